import type { Backbone } from "../backbone/index.ts";
import { createBuilder, type Graph } from "../graph/index.ts";
import type { HostTensor } from "../runtime/index.ts";

/** Sums of products of states and cotangents. */
export interface Products {
  /**
   * The first product of a sum, or the sum and a further one. `sum` is taken over: later sums are written there.
   * @param states     [rows, tokens]
   * @param cotangent  [tokens, d]
   * @param shares     [tokens], by which each token counts
   * @returns          [rows, d]
   */
  add(
    states: Float32Array,
    cotangent: Float32Array,
    shares: ArrayLike<number>,
    sum?: Float32Array,
  ): Promise<Float32Array>;
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
  // A sum that is only written to at first has each of its pages made once, where reading zeros would make them twice.
  const first = await runtime.open(productGraph(d, { isSum: false }), { threads });
  const further = await runtime.open(productGraph(d, { isSum: true }), { threads }).catch(async (error: unknown) => {
    await first.release();
    throw error;
  });
  let spare: Float32Array | undefined;
  let room = new Float32Array(0);
  return {
    async add(states, cotangent, shares, sum) {
      const tokens = shares.length;
      const all = states.length / tokens;
      const next = sum !== undefined && spare?.length === all * d ? spare : new Float32Array(all * d);
      if (room.length < cotangent.length) room = new Float32Array(cotangent.length);
      for (let at = 0, token = 0; token < tokens; token++)
        for (const end = at + d; at < end; at++) room[at] = shares[token]! * cotangent[at]!;
      const back = tensor([tokens, d], room.subarray(0, cotangent.length));
      for (let start = 0; start < all; start += ROWS) {
        const end = Math.min(start + ROWS, all);
        const part = (data: Float32Array, width: number) =>
          tensor([end - start, width], data.subarray(start * width, end * width));
        const feeds = { states: part(states, tokens), cotangent: back };
        const outputs = { next: part(next, d) };
        if (sum === undefined) await first.run(feeds, outputs);
        else await further.run({ ...feeds, sum: part(sum, d) }, outputs);
      }
      spare = sum ?? spare;
      return next;
    },
    async close() {
      await first.release();
      await further.release();
    },
  };
}

/** next = states · cotangent, [rows, d], or sum + that: the gradients of edges into one state, or rows of them. */
function productGraph(d: number, { isSum }: { readonly isSum: boolean }): Graph {
  const g = createBuilder();
  const states = g.input("states", "float32", ["rows", "tokens"]);
  const product = g.matmul(states, g.input("cotangent", "float32", ["tokens", d]));
  g.rename(isSum ? g.add(g.input("sum", "float32", ["rows", d]), product) : product, "next");
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
