import { checkCount, checkIndices } from "./checks.ts";

/**
 * Class of the largest score in each row. A row with a tie for the largest, or with a NaN, has none and gets −1, which
 * every metric here counts as a wrong answer: a model that says the same for all classes has said nothing.
 * @param scores  row-major, [n, classes]; logits or probabilities
 * @returns       [n], in −1..classes − 1
 */
export function predictedClasses(scores: ArrayLike<number>, classes: number): Int32Array {
  return Int32Array.from({ length: scores.length / classes }, (_, row) => {
    let [best, isAlone] = [0, true];
    for (let k = 0; k < classes; k++) {
      const [score, largest] = [scores[row * classes + k]!, scores[row * classes + best]!];
      if (Number.isNaN(score)) return -1;
      if (score > largest) [best, isAlone] = [k, true];
      else if (k !== best && score === largest) isAlone = false;
    }
    return isAlone ? best : -1;
  });
}

/**
 * Share of examples that got their label.
 * @param predicted  [n], classes
 * @param labels     [n], classes
 * @returns          in [0, 1]; NaN for no examples
 */
export function accuracy(predicted: Int32Array, labels: Int32Array): number {
  checkCount("predicted classes", predicted.length, labels.length, "one for each label");
  let correct = 0;
  for (let row = 0; row < labels.length; row++) if (predicted[row] === labels[row]) correct++;
  return correct / labels.length;
}

/**
 * Mean over classes of F1 = 2·tp / (2·tp + fp + fn). A class that is neither predicted nor true anywhere has no F1 and
 * is left out, as scikit-learn's `f1_score(average="macro")` does with the labels it has not seen.
 * @param predicted  [n], in 0..classes − 1, or negative for no answer
 * @param labels     [n], in 0..classes − 1
 * @returns          in [0, 1]; NaN for no examples
 * @throws           GraftError METRIC for a label that is no class
 */
export function macroF1(predicted: Int32Array, labels: Int32Array, classes: number): number {
  const { hits, answers, truths } = marginals(predicted, labels, classes);
  let [sum, seen] = [0, 0];
  for (let k = 0; k < classes; k++) {
    if (answers[k]! + truths[k]! === 0) continue;
    sum += (2 * hits[k]!) / (answers[k]! + truths[k]!);
    seen++;
  }
  return sum / seen;
}

/**
 * Matthews correlation for any number of classes: Gorodkin's R_K (2004), the covariance of predictions and labels over
 * the root of the product of their variances.
 * @param predicted  [n], in 0..classes − 1, or negative for no answer, which counts as one more class
 * @param labels     [n], in 0..classes − 1
 * @returns          in [−1, 1]; 0 where the prediction is always the same, as in scikit-learn; NaN where the label is,
 *                   for there is nothing to correlate with (scikit-learn says 0)
 * @throws           GraftError METRIC for a label that is no class
 */
export function matthews(predicted: Int32Array, labels: Int32Array, classes: number): number {
  const { hits, answers, truths, silent } = marginals(predicted, labels, classes);
  const n = labels.length;
  let [correct, agreeing, answered, labelled] = [0, 0, silent * silent, 0];
  for (let k = 0; k < classes; k++) {
    correct += hits[k]!;
    agreeing += answers[k]! * truths[k]!;
    answered += answers[k]! ** 2;
    labelled += truths[k]! ** 2;
  }
  if (labelled === n * n) return Number.NaN;
  if (answered === n * n) return 0;
  const correlation = (correct * n - agreeing) / (Math.sqrt(n * n - answered) * Math.sqrt(n * n - labelled));
  return Math.max(-1, Math.min(1, correlation));
}

/** Per class: right answers, answers and truths; and how many rows have no answer. */
function marginals(predicted: Int32Array, labels: Int32Array, classes: number) {
  checkCount("predicted classes", predicted.length, labels.length, "one for each label");
  checkIndices("label", labels, classes);
  const [hits, answers, truths] = [new Float64Array(classes), new Float64Array(classes), new Float64Array(classes)];
  let silent = 0;
  for (let row = 0; row < labels.length; row++) {
    const [answer, label] = [predicted[row]!, labels[row]!];
    truths[label]!++;
    if (answer < 0) silent++;
    else answers[answer]!++;
    if (answer === label) hits[label]!++;
  }
  return { hits, answers, truths, silent };
}
