import type { Backbone } from "../backbone/index.ts";
import { inverseCholesky } from "../base/index.ts";
import { createBuilder, type Graph } from "../graph/index.ts";
import type { Session } from "../runtime/index.ts";
import type { ProbeFactors } from "./probe-pass.ts";

/** Share of the mean variance that is added to every variance, so that directions without any do not decide. */
const RIDGE = 1e-3;

/** Second moments of all states, and gradients behind inputs whitened by them. */
export interface Whitening {
  add(factors: ProbeFactors): Promise<void>;
  /** @param gradients [n, d, d] → L_i⁻¹ · G_i, [n, d, d], L_i·L_iᵀ the second moment of state i over tokens. After the last batch. */
  ofColumn(gradients: Float32Array): Promise<Float32Array>;
  close(): Promise<void>;
}

export function openWhitening(
  { runtime, states: { length: n }, hiddenSize: d }: Backbone,
  { threads }: { readonly threads?: number | undefined } = {},
): Whitening {
  const moments = new Float64Array(n * d * d);
  let [tokens, firstTarget] = [0, -1];
  let whiteners: Float32Array | undefined;
  let sums: Session | undefined;
  let products: Session | undefined;
  return {
    async add({ states, real, targets }) {
      // The probe is passed once for each block of targets, and states are the same each time.
      if (firstTarget < 0) firstTarget = targets[0]!;
      if (targets[0] !== firstTarget) return;
      const rows = real.length;
      sums ??= await runtime.open(momentGraph(n, d, rows), { threads });
      const { moment } = await sums.run({ states, real: { dtype: "float32", shape: [rows], data: real } });
      const data = moment!.data as Float32Array;
      for (let k = 0; k < moments.length; k++) moments[k]! += data[k]!;
      for (const one of real) tokens += one;
    },
    async ofColumn(gradients) {
      whiteners ??= whitenersOf(moments, n, d, tokens);
      products ??= await runtime.open(whitenGraph(n, d), { threads });
      const shape = [n, d, d];
      const { whitened } = await products.run({
        gradients: { dtype: "float32", shape, data: gradients },
        whiteners: { dtype: "float32", shape, data: whiteners },
      });
      return whitened!.data as Float32Array;
    },
    async close() {
      await sums?.release();
      await products?.release();
    },
  };
}

function whitenersOf(moments: Float64Array, n: number, d: number, tokens: number): Float32Array {
  const all = new Float32Array(n * d * d);
  for (let i = 0; i < n; i++) {
    const moment = moments.subarray(i * d * d, (i + 1) * d * d).map((x) => x / tokens);
    all.set(whitenerOf(moment, d), i * d * d);
  }
  return all;
}

/**
 * L⁻¹ of the Cholesky factor of a moment with a ridge, RIDGE times its mean diagonal; 0 for the zero matrix.
 * @param moment  row-major, symmetric, positive semidefinite [d, d]; not modified
 */
export function whitenerOf(moment: Float64Array, d: number): Float64Array {
  let trace = 0;
  for (let k = 0; k < d; k++) trace += moment[k * d + k]!;
  if (trace === 0) return new Float64Array(d * d);
  const ridged = Float64Array.from(moment);
  for (let k = 0; k < d; k++) ridged[k * d + k]! += (RIDGE * trace) / d;
  return inverseCholesky(ridged, d);
}

/** moment [n, d, d]: of each state Σ xᵀx over its real tokens. */
function momentGraph(n: number, d: number, rows: number): Graph {
  const g = createBuilder();
  const states = g.mul(g.input("states", "float32", [n * d, rows]), g.input("real", "float32", [rows]));
  const x = g.reshape(states, [n, d, rows]);
  g.rename(g.matmul(x, g.transpose(x, [0, 2, 1])), "moment");
  return g.toGraph(["moment"]);
}

function whitenGraph(n: number, d: number): Graph {
  const g = createBuilder();
  const gradients = g.input("gradients", "float32", [n, d, d]);
  g.rename(g.matmul(g.input("whiteners", "float32", [n, d, d]), gradients), "whitened");
  return g.toGraph(["whitened"]);
}
