import { GraftError } from "../../base/index.ts";
import { finiteSum } from "./finite-sum.ts";
import type { Score } from "./score.ts";

/** The share of the singular values' sum that srank may drop (the paper's η, named in a figure's file name only). */
export const DEFAULT_ETA = 0.01;

export const srankScore = {
  summary: "numerical rank: how many singular values of the gradient hold all but eta of their sum",
  source: "Kumar et al. 2020, arXiv 2010.14498; for edges Nowak et al. 2024, arXiv 2410.15858",
  ofSpectrum: (sigma, { eta }) => srank(sigma, eta),
} as const satisfies Score;

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

/** Throws ETA_OUT_OF_RANGE unless `eta` lies in (0, 1). */
export function checkEta(eta: number): void {
  if (eta > 0 && eta < 1) return;
  throw new GraftError("ETA_OUT_OF_RANGE", {
    thing: `eta ${eta}`,
    place: "srank drops this share of the singular values' sum",
    remedy: `Choose a number between 0 and 1, exclusive; the default is ${DEFAULT_ETA}`,
  });
}
