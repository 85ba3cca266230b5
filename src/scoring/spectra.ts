import type { Backbone } from "../backbone/index.ts";
import { createBuilder, type Graph } from "../graph/index.ts";
import { singularValuesOfGram } from "./singular-values.ts";

/** Numbers of the Gram matrices that are made at once: 128 MiB of them, and two copies on the way. */
const CHUNK = 1 << 24;

/** Singular values of gradients, through float64 Gram matrices (float32 ones give wrong ranks). */
export interface Spectra {
  /** @param gradients [n, d, d]; `use` gets the singular values of each in turn, descending */
  ofColumn(gradients: Float32Array, use: (from: number, sigma: Float64Array) => void): Promise<void>;
  close(): Promise<void>;
}

export async function openSpectra(
  { runtime, hiddenSize: d }: Pick<Backbone, "runtime" | "hiddenSize">,
  { threads }: { readonly threads?: number } = {},
): Promise<Spectra> {
  const session = await runtime.open(gramGraph(d), { threads });
  const most = Math.max(1, Math.floor(CHUNK / (d * d)));
  return {
    async ofColumn(gradients, use) {
      const n = gradients.length / (d * d);
      for (let start = 0; start < n; start += most) {
        const count = Math.min(most, n - start);
        const data = gradients.subarray(start * d * d, (start + count) * d * d);
        const { grams } = await session.run({ gradients: { dtype: "float32", shape: [count, d, d], data } });
        for (let k = 0; k < count; k++) {
          const gram = (grams!.data as Float64Array).subarray(k * d * d, (k + 1) * d * d);
          use(start + k, singularValuesOfGram(gram, d));
        }
      }
    },
    close: () => session.release(),
  };
}

/** gradients [k, d, d] → grams GᵀG in float64, [k, d, d]. */
function gramGraph(d: number): Graph {
  const g = createBuilder();
  const gradients = g.cast(g.input("gradients", "float32", ["edges", d, d]), "float64");
  g.rename(g.matmul(g.transpose(gradients, [0, 2, 1]), gradients), "grams");
  return g.toGraph(["grams"]);
}
