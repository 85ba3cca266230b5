import { finiteSum } from "./finite-sum.ts";
import type { Score } from "./score.ts";

export const entropyScore = {
  summary: "entropy rank: exp of the entropy of the gradient's singular values",
  source: "Roy and Vetterli 2007, EUSIPCO",
  ofSpectrum: entropyRank,
} as const satisfies Score;

/**
 * Entropy rank: exp of the Shannon entropy of the singular values divided by their sum. Continuous where srank is an
 * integer, so it breaks srank's ties; equal to k for k equal singular values.
 * @param singularValues of one matrix, in any order, ≥ 0; not modified
 * @returns in 1..d, or 0 if all are 0
 * @throws  GraftError NOT_FINITE
 * @see     Roy and Vetterli, The effective rank, EUSIPCO 2007
 */
export function entropyRank(singularValues: ArrayLike<number>): number {
  const total = finiteSum(singularValues);
  if (total === 0) return 0;
  let entropy = 0;
  for (let k = 0; k < singularValues.length; k++) {
    const share = singularValues[k]! / total;
    if (share > 0) entropy -= share * Math.log(share);
  }
  return Math.exp(entropy);
}
