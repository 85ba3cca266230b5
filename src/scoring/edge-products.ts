import type { Backbone } from "../backbone/index.ts";
import { createBuilder, type Graph } from "../graph/index.ts";
import type { HostTensor, Session } from "../runtime/index.ts";

/** Sums of products of states and cotangents. */
export interface Products {
  /** sum + share · states · cotangent, in the place of `sum` or of the spare that takes turns with it. */
  add(states: Float32Array, cotangent: Float32Array, share: number, sum: Float32Array): Promise<Float32Array>;
  close(): Promise<void>;
}

/**
 * Rows of gradients that are multiplied at once, by ONNX Runtime's product on two cores: all of ViT-B's 19,200 run at three quarters of
 * the rate of these, whose operands stay in the caches.
 */
const ROWS = 3072;

export async function openProducts(
  { runtime, hiddenSize: d }: Pick<Backbone, "runtime" | "hiddenSize">,
  { threads }: { readonly threads?: number | undefined },
): Promise<Products> {
  const session: Session = await runtime.open(productGraph(d), { threads });
  let spare: Float32Array = new Float32Array(0);
  return {
    async add(states, cotangent, share, sum) {
      const tokens = cotangent.length / d;
      const all = sum.length / d;
      if (spare.length !== sum.length) spare = new Float32Array(sum.length);
      const shared = { cotangent: tensor([tokens, d], cotangent), share: tensor([1], Float32Array.of(share)) };
      for (let start = 0; start < all; start += ROWS) {
        const end = Math.min(start + ROWS, all);
        const part = (data: Float32Array, width: number) =>
          tensor([end - start, width], data.subarray(start * width, end * width));
        await session.run({ ...shared, states: part(states, tokens), sum: part(sum, d) }, { next: part(spare, d) });
      }
      const filled = spare;
      spare = sum;
      return filled;
    },
    close: () => session.release(),
  };
}

/** next = sum + share · states · cotangent, [rows, d]: the gradients of edges into one state, or rows of them. */
function productGraph(d: number): Graph {
  const g = createBuilder();
  const states = g.input("states", "float32", ["rows", "tokens"]);
  const cotangent = g.input("cotangent", "float32", ["tokens", d]);
  const sum = g.input("sum", "float32", ["rows", d]);
  const share = g.input("share", "float32", [1]);
  g.rename(g.add(sum, g.matmul(states, g.mul(cotangent, share))), "next");
  return g.toGraph(["next"]);
}

/** Rows of [rows, d] with a non-zero entry. */
export function activeRows(data: Float32Array, d: number): readonly number[] {
  const active: number[] = [];
  for (let row = 0; row < data.length / d; row++)
    if (data.subarray(row * d, (row + 1) * d).some((x) => x !== 0)) active.push(row);
  return active;
}

export function rowsOf(data: Float32Array, rows: readonly number[], d: number): Float32Array {
  const picked = new Float32Array(rows.length * d);
  for (const [k, row] of rows.entries()) picked.set(data.subarray(row * d, (row + 1) * d), k * d);
  return picked;
}

/** Of states [n·d, rows] those of some sources, and of them some rows: [sources·d, rows]. */
export function pickedStates(
  x: Float32Array,
  { d, rows, sources, active }: { d: number; rows: number; sources: readonly number[]; active?: readonly number[] },
): Float32Array {
  const isAll = sources.length * d * rows === x.length && sources.every((source, k) => source === k);
  const blockOf = (source: number) => x.subarray(source * d * rows, (source + 1) * d * rows);
  if (active === undefined) return isAll ? x : joined(sources.map(blockOf));
  const picked = new Float32Array(sources.length * d * active.length);
  let at = 0;
  for (const source of sources) {
    const block = blockOf(source);
    for (let row = 0; row < block.length; row += rows) for (const k of active) picked[at++] = block[row + k]!;
  }
  return picked;
}

export function joined(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const tensor = (shape: readonly number[], data: Float32Array): HostTensor => ({ dtype: "float32", shape, data });
