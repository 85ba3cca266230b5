import { checkCount, checkIndices } from "./checks.ts";

/**
 * Area under the ROC curve, each class against the rest, averaged over classes: the chance that an example of the class
 * scores higher for it than one of another class, a tie counting half (Hanley and McNeil 1982). A class that no
 * example, or every example, belongs to is left out. Equals scikit-learn's
 * `roc_auc_score(multi_class="ovr", average="macro")` where all classes occur.
 * @param scores  row-major, [n, classes]. The scores of one class are compared across examples: of a softmax model give
 *                probabilities or `logOdds`, not logits, whose common level is free in every row
 * @param labels  [n], in 0..classes − 1
 * @returns       in [0, 1], 0.5 for a guess; NaN where no class can be measured or a score is NaN
 * @throws        GraftError METRIC for a label that is no class
 */
export function auroc(scores: Float32Array, labels: Int32Array, classes: number): number {
  checkCount("scores", scores.length, labels.length * classes, `${classes} for each label`);
  checkIndices("label", labels, classes);
  return meanAuroc(scores, classes, (row, k) => labels[row] === k);
}

/**
 * Area under the ROC curve of each class, averaged over classes; a class with no example, or with every one, is left out.
 * @param scores   row-major, [n, classes]; logits or probabilities
 * @param targets  row-major, [n, classes]; 1 where the class applies, 0 where not
 * @returns        in [0, 1]; NaN where no class can be measured or a score is NaN
 */
export function aurocMultiLabel(scores: Float32Array, targets: ArrayLike<number>, classes: number): number {
  checkCount("scores", scores.length, targets.length, "one for each target");
  return meanAuroc(scores, classes, (row, k) => targets[row * classes + k]! > 0.5);
}

/**
 * Log odds of each class under softmax, log p − log(1 − p). They order examples as probabilities do, without losing the
 * order where a probability rounds to 1.
 * @param logits  row-major, [n, classes]
 * @returns       [n, classes]; infinite for a single class
 */
export function logOdds(logits: Float32Array, classes: number): Float32Array {
  const odds = new Float32Array(logits.length);
  for (let at = 0; at < logits.length; at += classes) {
    const row = logits.subarray(at, at + classes);
    for (let k = 0; k < classes; k++) odds[at + k] = row[k]! - logSumExp(row, k);
  }
  return odds;
}

/** log Σ exp(row[j]) over j ≠ `without`. */
function logSumExp(row: Float32Array, without: number): number {
  let [max, sum] = [Number.NEGATIVE_INFINITY, 0];
  for (let k = 0; k < row.length; k++) if (k !== without) max = Math.max(max, row[k]!);
  for (let k = 0; k < row.length; k++) if (k !== without) sum += Math.exp(row[k]! - max);
  return max + Math.log(sum);
}

function meanAuroc(scores: Float32Array, classes: number, isOf: (row: number, k: number) => boolean): number {
  const rows = scores.length / classes;
  const [inside, outside] = [new Float32Array(rows), new Float32Array(rows)];
  let [sum, measured] = [0, 0];
  for (let k = 0; k < classes; k++) {
    let members = 0;
    for (let row = 0; row < rows; row++) {
      const score = scores[row * classes + k]!;
      if (Number.isNaN(score)) return Number.NaN;
      if (isOf(row, k)) inside[members++] = score;
      else outside[row - members] = score;
    }
    if (members === 0 || members === rows) continue;
    sum += shareOfPairsInOrder(inside.subarray(0, members).sort(), outside.subarray(0, rows - members).sort());
    measured++;
  }
  return sum / measured;
}

/** Share of pairs in which the one from `upper` is larger, ties half; both sorted. */
function shareOfPairsInOrder(upper: Float32Array, lower: Float32Array): number {
  let [wins, below, upTo] = [0, 0, 0];
  for (const score of upper) {
    while (below < lower.length && lower[below]! < score) below++;
    while (upTo < lower.length && lower[upTo]! <= score) upTo++;
    wins += (below + upTo) / 2;
  }
  return wins / (upper.length * lower.length);
}
