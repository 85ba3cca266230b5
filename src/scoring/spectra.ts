import type { Backbone } from "../backbone/index.ts";
import { createBuilder, type Graph } from "../graph/index.ts";
import { openEigenPool } from "./eigen-pool.ts";
import { roots } from "./singular-values.ts";

/** Numbers of the Gram matrices that are made at once: 32 MiB of them, twice, and the threads' copies. */
const CHUNK = 1 << 22;

/** Singular values of gradients, through float64 Gram matrices (float32 ones give wrong ranks). */
export interface Spectra {
  /** @param gradients [n, d, d]; `use` gets the singular values of each in turn, descending */
  ofColumn(gradients: Float32Array, use: (from: number, sigma: Float64Array) => void): Promise<void>;
  close(): Promise<void>;
}

/**
 * @param threads of the runtime, and as many for eigenvalues; default all cores. They change no bit of the eigenvalues.
 */
export async function openSpectra(
  { runtime, hiddenSize: d, states }: Pick<Backbone, "runtime" | "hiddenSize" | "states">,
  { threads }: { readonly threads?: number } = {},
): Promise<Spectra> {
  const pool = await openEigenPool(runtime, { threads, operations: states.length ** 2 * d ** 3 });
  const session = await runtime.open(gramGraph(d), { threads });
  const most = Math.max(1, Math.floor(CHUNK / (d * d)));
  return {
    async ofColumn(gradients, use) {
      const n = gradients.length / (d * d);
      // While the threads are at one chunk, the runtime makes the next.
      let before = Promise.resolve();
      for (let start = 0; start < n; start += most) {
        const count = Math.min(most, n - start);
        const data = gradients.subarray(start * d * d, (start + count) * d * d);
        const { grams } = await session
          .run({ gradients: { dtype: "float32", shape: [count, d, d], data } })
          .finally(() => before);
        before = pool.eigenvalues(grams!.data as Float64Array, d).then((all) => {
          for (const [k, values] of all.entries()) use(start + k, roots(values));
        });
      }
      await before;
    },
    async close() {
      await pool.close();
      await session.release();
    },
  };
}

/** gradients [k, d, d] → grams GᵀG in float64, [k, d, d]. */
function gramGraph(d: number): Graph {
  const g = createBuilder();
  const gradients = g.cast(g.input("gradients", "float32", ["edges", d, d]), "float64");
  g.rename(g.matmul(g.transpose(gradients, [0, 2, 1]), gradients), "grams");
  return g.toGraph(["grams"]);
}
