import { finiteSum } from "./finite-sum.ts";
import type { Score } from "./score.ts";

export const stableScore = {
  summary: "stable rank: squared Frobenius over squared spectral norm of the gradient",
  source: "Rudelson and Vershynin 2007, J. ACM 54(4)",
  ofSpectrum: stableRank,
} as const satisfies Score;

/**
 * ‖G‖_F² / ‖G‖₂²: continuous, little moved by small singular values, which move srank most.
 * @param sigma  descending
 * @returns in 1..d, or 0 if all are 0
 * @throws  GraftError NOT_FINITE
 */
function stableRank(sigma: ArrayLike<number>): number {
  const largest = sigma[0] ?? 0;
  if (finiteSum(sigma) === 0) return 0;
  let sum = 0;
  for (let k = 0; k < sigma.length; k++) sum += (sigma[k]! / largest) ** 2;
  return sum;
}
