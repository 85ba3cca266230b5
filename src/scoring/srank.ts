import { GraftError } from "../base/index.ts";

/** The share of the singular values' sum that srank may drop (the paper's η, named in a figure's file name only). */
export const DEFAULT_ETA = 0.01;

/**
 * Numerical rank: the least k whose k largest singular values hold at least 1 − `eta` of their sum. It depends neither
 * on the gradient's scale nor on rotations of either side. (The formula as the paper prints it gives k + 1.)
 * @param singularValues of one matrix, in any order, ≥ 0; not modified
 * @param eta            share that may be dropped, in (0, 1); default 0.01
 * @returns integer in 1..d, or 0 if all are 0
 * @throws  GraftError NOT_FINITE, ETA_OUT_OF_RANGE
 * @see     Kumar et al. 2020, arXiv 2010.14498, section 3
 */
export function srank(singularValues: ArrayLike<number>, eta = DEFAULT_ETA): number {
  checkEta(eta);
  const descending = Float64Array.from(singularValues).sort().reverse();
  const total = finiteSum(descending);
  // Sums round: without this slack, an exact tie (100 equal values at eta 0.01) would depend on the values' scale.
  const enough = (1 - eta) * total * (1 - 1e-12);
  let held = 0;
  let k = 0;
  while (k < descending.length && held < enough) held += descending[k++]!;
  return k;
}

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

/** Throws ETA_OUT_OF_RANGE unless `eta` lies in (0, 1). */
export function checkEta(eta: number): void {
  if (eta > 0 && eta < 1) return;
  throw new GraftError("ETA_OUT_OF_RANGE", {
    thing: `eta ${eta}`,
    place: "srank drops this share of the singular values' sum",
    remedy: `Choose a number between 0 and 1, exclusive; the default is ${DEFAULT_ETA}`,
  });
}

function finiteSum(singularValues: ArrayLike<number>): number {
  let sum = 0;
  for (let k = 0; k < singularValues.length; k++) sum += singularValues[k]!;
  if (Number.isFinite(sum)) return sum;
  throw new GraftError("NOT_FINITE", {
    thing: "a gradient's singular values",
    place: `their sum is ${sum}`,
    remedy: "Look for a non-finite weight, input or loss before scoring",
  });
}
