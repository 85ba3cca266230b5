import type { Backbone } from "../backbone/index.ts";
import { GraftError, nameSeed, random } from "../base/index.ts";
import { createBuilder, type Graph, tensorOf } from "../graph/index.ts";
import { openProducts } from "./edge-products.ts";
import type { ProbeFactors } from "./probe-pass.ts";
import { type ScoreName, scores } from "./scores/index.ts";
import type { ScoreSettings } from "./scores/score.ts";
import { openSpectra, orthonormalRows } from "./spectra.ts";

/** Scores of gradients between projected states and cotangents. */
export interface CoarsePass {
  add(factors: ProbeFactors): Promise<void>;
  /** Of edge (i, j) at i · n + j; `done` is called after each column. */
  scores(done: (to: number) => void): Promise<number[]>;
  close(): Promise<void>;
}

/** Most columns where nothing is said: a third of d up to there. */
const MOST_COLUMNS = 256;

/** @throws GraftError COLUMNS_OUT_OF_RANGE */
export function coarseColumns({ hiddenSize: d, name }: Backbone, columns = Math.min(MOST_COLUMNS, Math.ceil(d / 3))) {
  if (Number.isInteger(columns) && columns >= 1 && columns <= d) return columns;
  throw new GraftError("COLUMNS_OUT_OF_RANGE", {
    thing: `a coarse pass with ${columns} columns`,
    place: `the states of ${name} have ${d}`,
    remedy: `Choose a whole number from 1 to ${d}; default is a third of that, ${MOST_COLUMNS} at most`,
  });
}

/**
 * Sum gradients (x_i · P)ᵀ · (δ_j · Q) over the probe, P and Q [d, k] with orthonormal columns that are drawn once: of a
 * rotation of the gradient that nothing singles out, the first k rows and columns. 4 · n² · k² bytes.
 * @param examples  in the probe
 */
export async function openCoarsePass(
  { runtime, states, hiddenSize: d }: Backbone,
  score: ScoreName,
  k: number,
  {
    threads,
    examples,
    ...settings
  }: ScoreSettings & { readonly threads?: number | undefined; readonly examples: number },
): Promise<CoarsePass> {
  const n = states.length;
  const narrow = { runtime, states, hiddenSize: k };
  const session = await runtime.open(projectionGraph(d, k, settings.seed), { threads });
  const products = await openProducts(narrow, { threads });
  const sums = new Map<number, Float32Array>();
  const { ofSpectrum } = scores[score] as { ofSpectrum(sigma: Float64Array, settings: ScoreSettings): number };
  return {
    async add({ states, cotangents, real, examples: some }) {
      const rows = real.length;
      const made = await session.run({
        states: { dtype: "float32", shape: [n, d, rows], data: states.data as Float32Array },
        cotangents: { dtype: "float32", shape: [n, rows, d], data: cotangents.data as Float32Array },
      });
      const [x, delta] = [made.x!.data as Float32Array, made.delta!.data as Float32Array];
      const shares = new Float32Array(rows).fill(some / examples);
      for (let to = 0; to < n; to++) {
        const back = delta.subarray(to * rows * k, (to + 1) * rows * k);
        sums.set(to, await products.add(x, back, shares, sums.get(to)));
      }
    },
    async scores(done) {
      const all = new Array<number>(n * n).fill(0);
      const spectra = await openSpectra(narrow, { threads });
      try {
        for (const [to, gradients] of sums) {
          await spectra.ofColumn({ gradients }, (from, sigma) => {
            all[from * n + to] = ofSpectrum(sigma, settings);
          });
          done(to);
        }
      } finally {
        await spectra.close();
      }
      return all;
    },
    async close() {
      await session.release();
      await products.close();
    },
  };
}

/** states [n, d, rows], cotangents [n, rows, d] → x [n, k, rows], delta [n, rows, k]. */
function projectionGraph(d: number, k: number, seed: number): Graph {
  const g = createBuilder();
  const draw = random(seed, nameSeed("coarse"));
  const drawn = () => Float32Array.from(orthonormalRows(Float32Array.from({ length: k * d }, draw.normal), d));
  const projection = (name: string) => g.constant(tensorOf("float32", [k, d], drawn()), name);
  const states = g.input("states", "float32", ["states", d, "rows"]);
  const cotangents = g.input("cotangents", "float32", ["states", "rows", d]);
  g.rename(g.matmul(projection("p"), states), "x");
  g.rename(g.matmul(cotangents, g.transpose(projection("q"), [1, 0])), "delta");
  return g.toGraph(["x", "delta"]);
}
