import { pearson, spearman } from "../base/index.ts";
import { type Goal, labelsOf, outputNames, type Split } from "../tasks/index.ts";
import { entityF1, macroF1MultiLabel, mrrAt, ranksOf } from "./metrics/index.ts";

/** A model on a split. */
export interface Evaluation {
  /** Mean loss, without label smoothing; of embeddings, whose loss depends on the batch, 1 − value. */
  readonly loss: number;
  /** The metric that `metricName` names; higher is better. NaN where the split gives it none (scores that are all alike). */
  readonly value: number;
}

/** Whether a metric's value beats another; any beats NaN. */
export const isHigher = (value: number, other: number): boolean =>
  value > other || (Number.isNaN(other) && !Number.isNaN(value));

const DEPTH = 10;

/** What `Evaluation.value` is. */
export function metricName(goal: Goal): string {
  switch (goal.kind) {
    case "classify":
      return "accuracy";
    case "multi_label":
      return "macro-F1";
    case "regress":
      return "pearson";
    case "tokens":
      return hasEntities(goal.classes) ? "entity-F1" : "token accuracy";
    case "pair_score":
      return "spearman";
    case "triplet":
      return `mrr@${DEPTH}`;
  }
}

/** Whether people read a metric in percent: accuracies are shares, correlations and the like are not. */
export const isShare = (metric: string): boolean => metric.includes("accuracy");

/** Whether tags mark entities (B-PER, I-PER, O). */
export const hasEntities = (classes: readonly string[]): boolean => classes.some((name) => /^[BIES]-./.test(name));

/**
 * Loss and metric of a model's outputs.
 * @param outputs  rows [count, outputs]; of `tokens` one for each token that has a tag, in order; of embeddings
 *                 [count · views, d], the views of an example next to each other
 */
export function evaluateOutputs(goal: Goal, split: Split, outputs: Float32Array): Evaluation {
  const width = outputNames(goal).length;
  switch (goal.kind) {
    case "classify":
      return scoreLogits(outputs, labelsOf(split), width);
    case "multi_label": {
      const values = numbersOf(split);
      const loss = mean(outputs, (z, k) => Math.max(z, 0) - z * values[k]! + Math.log1p(Math.exp(-Math.abs(z))));
      return { loss, value: macroF1MultiLabel(outputs, values, width) };
    }
    case "regress": {
      const values = numbersOf(split);
      const column = (rows: Float32Array, k: number) => rows.filter((_, at) => at % width === k);
      const loss = mean(outputs, (y, k) => ((y - values[k]!) / goal.scale[k % width]!) ** 2);
      const correlations = goal.names.map((_, k) => pearson(column(outputs, k), column(values, k)));
      return { loss, value: correlations.reduce((sum, r) => sum + r, 0) / width };
    }
    case "tokens": {
      const tags = tagsByExample(split);
      const { loss, value } = scoreLogits(outputs, Int32Array.from(tags.flat()), width);
      if (!hasEntities(goal.classes)) return { loss, value };
      const predicted = predictedTags(outputs, width);
      const named = (list: readonly number[]) => list.map((tag) => goal.classes[tag]!);
      let end = 0;
      const found = tags.map(({ length }) => {
        end += length;
        return named(predicted.slice(end - length, end));
      });
      return { loss, value: entityF1(found, tags.map(named)).f1 };
    }
    case "pair_score": {
      const cosines = pairCosines(outputs, split.count);
      const value = spearman(cosines, numbersOf(split));
      // No correlation is defined where all scores are alike; cosines that are no numbers are another matter.
      const loss = Number.isNaN(value) && cosines.every(Number.isFinite) ? 1 : 1 - value;
      return { loss, value };
    }
    case "triplet": {
      const value = mrrAt(retrievalRanks(outputs, split), DEPTH);
      return { loss: 1 - value, value };
    }
  }
}

/**
 * A number for each example of a split, where their mean is the metric: 1 for right and 0 for wrong, or 1 / rank. To compare
 * two models example by example.
 * @param outputs  as for `evaluateOutputs`
 * @returns        undefined where the metric is no mean over examples (correlations, F1)
 */
export function exampleScores(goal: Goal, split: Split, outputs: Float32Array): number[] | undefined {
  if (goal.kind === "triplet")
    return [...retrievalRanks(outputs, split)].map((rank) => mrrAt(Float64Array.of(rank), DEPTH));
  if (goal.kind !== "classify") return undefined;
  const width = outputNames(goal).length;
  return Array.from(labelsOf(split), (label, row) => {
    const logits = outputs.subarray(row * width, (row + 1) * width);
    return scoreLogits(logits, Int32Array.of(label), width).value;
  });
}

/** Cross-entropy and accuracy of logits [count, classes] against labels; a tie, or what is no number, counts as wrong. */
export function scoreLogits(logits: ArrayLike<number>, labels: Int32Array, classes: number): Evaluation {
  let [loss, correct] = [0, 0];
  labels.forEach((label, row) => {
    const at = row * classes;
    let max = Number.NEGATIVE_INFINITY;
    for (let k = 0; k < classes; k++) max = Math.max(max, logits[at + k]!);
    let [sum, rivals] = [0, 0];
    for (let k = 0; k < classes; k++) {
      sum += Math.exp(logits[at + k]! - max);
      if (k !== label && !(logits[at + label]! > logits[at + k]!)) rivals++;
    }
    loss += Math.log(sum) + max - logits[at + label]!;
    if (rivals === 0) correct++;
  });
  return { loss: loss / labels.length, value: correct / labels.length };
}

/** The likeliest class of each row; the first of equal ones. */
export function predictedTags(logits: Float32Array, classes: number): number[] {
  return Array.from({ length: logits.length / classes }, (_, row) => {
    const from = row * classes;
    let best = 0;
    for (let k = 1; k < classes; k++) if (logits[from + k]! > logits[from + best]!) best = k;
    return best;
  });
}

/** Tags that count, example by example. */
export function tagsByExample({ targets, count }: Split): number[][] {
  if (targets.kind !== "tags") throw new TypeError(`the split's targets are ${targets.kind}, not tags`);
  return Array.from({ length: count }, (_, index) => [...targets.tags(index)].filter((tag) => tag >= 0));
}

export function numbersOf({ targets }: Split): Float32Array {
  if (targets.kind !== "numbers") throw new TypeError(`the split's targets are ${targets.kind}, not numbers`);
  return targets.values;
}

/** Cosine of the two embeddings of each example. @param vectors of length 1, [2 · count, d] */
export function pairCosines(vectors: Float32Array, count: number): Float32Array {
  const d = vectors.length / (2 * count);
  return Float32Array.from({ length: count }, (_, index) => {
    const from = 2 * index * d;
    let sum = 0;
    for (let k = 0; k < d; k++) sum += vectors[from + k]! * vectors[from + d + k]!;
    return sum;
  });
}

/** Rank of each anchor's positive among all positives and negatives of the split. */
export function retrievalRanks(vectors: Float32Array, split: Split) {
  const views = split.kind === "text" ? split.views : 1;
  const d = vectors.length / (split.count * views);
  const view = (k: number, into: Float32Array, from: number) => {
    for (let index = 0; index < split.count; index++) {
      const at = (index * views + k) * d;
      into.set(vectors.subarray(at, at + d), from + index * d);
    }
  };
  const anchors = new Float32Array(split.count * d);
  const candidates = new Float32Array((views - 1) * split.count * d);
  view(0, anchors, 0);
  for (let k = 1; k < views; k++) view(k, candidates, (k - 1) * split.count * d);
  return ranksOf(
    anchors,
    candidates,
    Int32Array.from({ length: split.count }, (_, index) => index),
    d,
  );
}

function mean(rows: Float32Array, term: (value: number, k: number) => number): number {
  let sum = 0;
  rows.forEach((value, k) => {
    sum += term(value, k);
  });
  return sum / rows.length;
}
