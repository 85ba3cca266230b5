import type { Backbone } from "../backbone/index.ts";
import { createBuilder, type Graph, int, tensorOf, type Value } from "../graph/index.ts";
import type { Session } from "../runtime/index.ts";
import type { Gradients } from "./edge-gradients.ts";
import { openEigenPool } from "./eigen-pool.ts";
import { roots } from "./singular-values.ts";

/** Numbers of the small Gram matrices that go together: 1 MB; larger ones go one by one. */
const TOGETHER = 1 << 17;

/** Singular values of gradients, through float64 Gram matrices (float32 ones give wrong ranks). */
export interface Spectra {
  /**
   * `use` gets the d singular values of each gradient, descending, as they are found. Where few tokens have a gradient, through their
   * span: a Gram matrix as wide as they are many, which costs next to nothing.
   */
  ofColumn(column: ColumnGradients, use: (source: number, sigma: Float64Array) => void): Promise<void>;
  close(): Promise<void>;
}

type ColumnGradients = Pick<Gradients, "gradients" | "rowSpace">;

/**
 * @param threads of the runtime, and as many for eigenvalues; default all cores. They change no bit of the eigenvalues.
 */
export async function openSpectra(
  { runtime, hiddenSize: d, states }: Pick<Backbone, "runtime" | "hiddenSize" | "states">,
  { threads }: { readonly threads?: number | undefined } = {},
): Promise<Spectra> {
  const pool = await openEigenPool(runtime, { threads, operations: states.length ** 2 * d ** 3 });
  const session = await runtime.open(gramGraph(d), { threads });
  let capped: Session | undefined;
  let rooms: Float64Array[] = [];
  return {
    async ofColumn({ gradients, rowSpace }, use) {
      const n = gradients.length / (d * d);
      const basis = rowSpace && orthonormalRows(rowSpace, d);
      const width = basis ? basis.length / d : d;
      if (width === 0) return eachOf(n, (k) => use(k, new Float64Array(d)));
      if (basis) capped ??= await runtime.open(cappedGramGraph(d), { threads });
      const more = basis && { basis: { dtype: "float64", shape: [width, d], data: basis } as const };
      const each = together(d);
      const working = new Set<Promise<void>>();
      let failure: { readonly cause: unknown } | undefined;
      const work = async (start: number, grams: Float64Array) => {
        const found = await pool.eigenvalues(grams, width);
        rooms.push(found.grams);
        for (const [k, values] of found.values.entries()) use(start + k, padded(roots(values), d));
      };
      try {
        // While threads are at some matrices, the runtime makes the next.
        for (let start = 0; start < n && failure === undefined; start += each) {
          if (working.size === pool.depth) await Promise.race(working);
          const count = Math.min(each, n - start);
          const data = gradients.subarray(start * d * d, (start + count) * d * d);
          rooms = rooms.filter(({ length }) => length === count * width * width);
          const grams = rooms.pop() ?? new Float64Array(count * width * width);
          await (basis ? capped! : session).run(
            { gradients: { dtype: "float32", shape: [count, d, d], data }, ...more },
            { grams: { dtype: "float64", shape: [count, width, width], data: grams } },
          );
          const one = work(start, grams)
            .catch((cause: unknown) => {
              failure ??= { cause };
            })
            .finally(() => working.delete(one));
          working.add(one);
        }
      } finally {
        await Promise.all(working);
      }
      if (failure !== undefined) throw failure.cause;
    },
    async close() {
      await pool.close();
      await session.release();
      await capped?.release();
    },
  };
}

function eachOf(count: number, use: (k: number) => void): void {
  for (let k = 0; k < count; k++) use(k);
}

function padded(values: Float64Array, length: number): Float64Array {
  if (values.length === length) return values;
  const all = new Float64Array(length);
  all.set(values);
  return all;
}

/** What of a row the others leave is nothing but rounding below this share of it. */
const DEPENDENT = 1e-10;

/** An orthonormal basis of the span of rows [m, d]: [rank, d], by Gram and Schmidt, twice. */
export function orthonormalRows(rows: Float32Array, d: number): Float64Array {
  const basis = new Float64Array(rows.length);
  let rank = 0;
  for (let at = 0; at < rows.length; at += d) {
    const row = Float64Array.from(rows.subarray(at, at + d));
    const length = norm(row);
    for (let k = 0; k < 2 * rank; k++) {
      const other = basis.subarray((k % rank) * d, ((k % rank) + 1) * d);
      let share = 0;
      for (let c = 0; c < d; c++) share += row[c]! * other[c]!;
      for (let c = 0; c < d; c++) row[c]! -= share * other[c]!;
    }
    const left = norm(row);
    if (left <= DEPENDENT * length) continue;
    for (let c = 0; c < d; c++) basis[rank * d + c] = row[c]! / left;
    rank++;
  }
  return basis.subarray(0, rank * d);
}

const norm = (row: Float64Array): number => Math.sqrt(row.reduce((sum, x) => sum + x * x, 0));

const together = (d: number): number => Math.max(1, Math.floor(TOGETHER / (d * d)));

/**
 * gradients G [k, d, d] → grams G·Gᵀ in float64, [k, d, d]. Singular values are also those of Gᵀ·G, which the runtime takes a fifth
 * longer for. Where matrices are large and come one by one, but for the lower left quarter, which nobody reads: zeros.
 */
function gramGraph(d: number): Graph {
  const g = createBuilder();
  const gradients = g.cast(g.input("gradients", "float32", ["edges", d, d]), "float64");
  const halved = () => {
    const gradient = g.reshape(gradients, [d, d]);
    const half = Math.floor(d / 2);
    const [top, bottom] = g.split(gradient, 0, [half, d - half]) as [Value, Value];
    const product = (left: Value, right: Value) => g.op("Gemm", [left, right], { transB: int(1) });
    const pads = g.constant(tensorOf("int64", [4], BigInt64Array.of(0n, BigInt(half), 0n, 0n)));
    const below = g.op("Pad", [product(bottom, bottom), pads]);
    return g.unsqueeze(g.concat([product(top, gradient), below], 0), [0]);
  };
  const whole = () => g.matmul(gradients, g.transpose(gradients, [0, 2, 1]));
  g.rename(together(d) === 1 ? halved() : whole(), "grams");
  return g.toGraph(["grams"]);
}

/** gradients G [k, d, d], an orthonormal basis of their rows [m, d] → grams of G·basisᵀ in float64, [k, m, m]. */
function cappedGramGraph(d: number): Graph {
  const g = createBuilder();
  const gradients = g.cast(g.input("gradients", "float32", ["edges", d, d]), "float64");
  const basis = g.transpose(g.input("basis", "float64", ["rank", d]), [1, 0]);
  const narrow = g.matmul(gradients, basis); // [edges, d, rank]
  g.rename(g.matmul(g.transpose(narrow, [0, 2, 1]), narrow), "grams");
  return g.toGraph(["grams"]);
}
