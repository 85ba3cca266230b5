import { mean } from "../../base/index.ts";
import { checkCount } from "./checks.ts";

// Pearson's and Spearman's correlations are general statistics: src/base/statistics.ts.

/**
 * Mean of |predicted − target|, in the unit of the target.
 * @param predicted  [n]
 * @param targets    [n]
 * @returns          ≥ 0; NaN for no examples
 */
export function meanAbsoluteError(predicted: ArrayLike<number>, targets: ArrayLike<number>): number {
  checkCount("predicted values", predicted.length, targets.length, "one for each target");
  let sum = 0;
  for (let k = 0; k < targets.length; k++) sum += Math.abs(predicted[k]! - targets[k]!);
  return sum / targets.length;
}

/**
 * Coefficient of determination, 1 − Σ(target − predicted)² / Σ(target − mean target)².
 * @param predicted  [n]
 * @param targets    [n]
 * @returns          ≤ 1; 0 for predicting the mean. NaN for fewer than two examples or targets that are all equal
 *                   (where scikit-learn says 1 or 0)
 */
export function r2(predicted: ArrayLike<number>, targets: ArrayLike<number>): number {
  checkCount("predicted values", predicted.length, targets.length, "one for each target");
  const centre = mean(targets);
  let [residual, total, isConstant] = [0, 0, true];
  for (let k = 0; k < targets.length; k++) {
    residual += (targets[k]! - predicted[k]!) ** 2;
    total += (targets[k]! - centre) ** 2;
    if (targets[k] !== targets[0]) isConstant = false;
  }
  return isConstant ? Number.NaN : 1 - residual / total;
}
