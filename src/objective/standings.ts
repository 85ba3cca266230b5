import { ranks } from "../base/index.ts";
import type { Evaluation } from "./evaluation.ts";

/**
 * The share of candidates, itself among them, that one does as well as or better than: the mean of that by metric and by loss,
 * equal ones counted half. A metric of a few hundred examples is coarse, and a loss punishes answers that are too sure: together
 * they foretell better than the worse of them alone.
 */
export function standings(results: readonly (Evaluation | undefined)[]): readonly number[] {
  const worst = -Infinity;
  const known = (value: number | undefined) => (value === undefined || Number.isNaN(value) ? worst : value);
  const byMetric = ranks(results.map((result) => known(result?.value)));
  const byLoss = ranks(results.map((result) => known(result && -result.loss)));
  return results.map((_, k) => (byMetric[k]! + byLoss[k]!) / (2 * results.length));
}
