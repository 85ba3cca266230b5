import { checkCount } from "./checks.ts";

/**
 * Mean over classes of F1, where an example may have any number of classes. A class that is neither predicted nor true
 * anywhere is left out, as in scikit-learn's `f1_score(average="macro", zero_division=nan)`.
 * @param scores     row-major, [n, classes], logits
 * @param targets    row-major, [n, classes]; 1 where the class applies, 0 where not
 * @param threshold  a class is predicted where its score is above it; default 0, a probability of one half. NaN is not
 * @returns          in [0, 1]; NaN where no class is predicted or true anywhere
 */
export function macroF1MultiLabel(
  scores: Float32Array,
  targets: ArrayLike<number>,
  classes: number,
  threshold = 0,
): number {
  const { hits, marks } = countsByClass(scores, targets, classes, threshold);
  let [sum, seen] = [0, 0];
  for (let k = 0; k < classes; k++) {
    if (marks[k] === 0) continue;
    sum += (2 * hits[k]!) / marks[k]!;
    seen++;
  }
  return sum / seen;
}

/**
 * F1 over all pairs of example and class together; arguments as `macroF1MultiLabel`.
 * @returns  in [0, 1]; NaN where no class is predicted or true anywhere
 */
export function microF1MultiLabel(
  scores: Float32Array,
  targets: ArrayLike<number>,
  classes: number,
  threshold = 0,
): number {
  const { hits, marks } = countsByClass(scores, targets, classes, threshold);
  const sum = (counts: Float64Array) => counts.reduce((total, count) => total + count, 0);
  return (2 * sum(hits)) / sum(marks);
}

/** Per class, how often it is both predicted and true, and how often each, together: tp and 2·tp + fp + fn. */
function countsByClass(scores: Float32Array, targets: ArrayLike<number>, classes: number, threshold: number) {
  checkCount("scores", scores.length, targets.length, "one for each target");
  const [hits, marks] = [new Float64Array(classes), new Float64Array(classes)];
  for (let at = 0; at < scores.length; at++) {
    const [isPredicted, isTrue] = [scores[at]! > threshold, targets[at]! > 0.5];
    if (isPredicted) marks[at % classes]!++;
    if (isTrue) marks[at % classes]!++;
    if (isPredicted && isTrue) hits[at % classes]!++;
  }
  return { hits, marks };
}
