import type { Backbone } from "../backbone/index.ts";
import { createBuilder, type Graph } from "../graph/index.ts";
import type { Session } from "../runtime/index.ts";
import type { Gradients } from "./edge-gradients.ts";
import { openEigenPool } from "./eigen-pool.ts";
import { roots } from "./singular-values.ts";

/** Numbers of the Gram matrices that are made at once: 32 MiB of them, three times, and the threads' copies. */
const CHUNK = 1 << 22;

/** Singular values of gradients, through float64 Gram matrices (float32 ones give wrong ranks). */
export interface Spectra {
  /**
   * `use` gets the d singular values of each gradient in turn, descending. Where few tokens have a gradient, through their
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
  const most = Math.max(1, Math.floor(CHUNK / (d * d)));
  let rooms = [new Float64Array(0), new Float64Array(0)];
  return {
    async ofColumn({ gradients, rowSpace }, use) {
      const n = gradients.length / (d * d);
      const basis = rowSpace && orthonormalRows(rowSpace, d);
      const width = basis ? basis.length / d : d;
      if (width === 0) return eachOf(n, (k) => use(k, new Float64Array(d)));
      if (basis) capped ??= await runtime.open(cappedGramGraph(d), { threads });
      const more = basis && { basis: { dtype: "float64", shape: [width, d], data: basis } as const };
      // While the threads are at one chunk, the runtime makes the next, elsewhere.
      const needed = Math.min(most, n) * width * width;
      if (rooms[0]!.length < needed) rooms = rooms.map(() => new Float64Array(needed));
      let before = Promise.resolve();
      for (let start = 0; start < n; start += most) {
        const count = Math.min(most, n - start);
        const data = gradients.subarray(start * d * d, (start + count) * d * d);
        const room = rooms[(start / most) % 2]!.subarray(0, count * width * width);
        const { grams } = await (basis ? capped! : session)
          .run(
            { gradients: { dtype: "float32", shape: [count, d, d], data }, ...more },
            { grams: { dtype: "float64", shape: [count, width, width], data: room } },
          )
          .finally(() => before);
        before = pool.eigenvalues(grams!.data as Float64Array, width).then((all) => {
          for (const [k, values] of all.entries()) use(start + k, padded(roots(values), d));
        });
        // It is awaited behind the next run; until then a failure would count as nobody's.
        before.catch(() => {});
      }
      await before;
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

/** gradients [k, d, d] → grams GGᵀ in float64, [k, d, d]: singular values are those of GᵀG, which the runtime takes a fifth longer for (measured). */
function gramGraph(d: number): Graph {
  const g = createBuilder();
  const gradients = g.cast(g.input("gradients", "float32", ["edges", d, d]), "float64");
  g.rename(g.matmul(gradients, g.transpose(gradients, [0, 2, 1])), "grams");
  return g.toGraph(["grams"]);
}

/** gradients [k, d, d], an orthonormal basis of their rows [m, d] → grams of G·basisᵀ in float64, [k, m, m]. */
function cappedGramGraph(d: number): Graph {
  const g = createBuilder();
  const gradients = g.cast(g.input("gradients", "float32", ["edges", d, d]), "float64");
  const basis = g.transpose(g.input("basis", "float64", ["rank", d]), [1, 0]);
  const narrow = g.matmul(gradients, basis); // [edges, d, rank]
  g.rename(g.matmul(g.transpose(narrow, [0, 2, 1]), narrow), "grams");
  return g.toGraph(["grams"]);
}
