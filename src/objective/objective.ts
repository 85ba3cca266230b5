import { type Builder, tensorOf, type Value } from "../graph/index.ts";
import { type Goal, labelsOf, outputNames, type Split } from "../tasks/index.ts";
import { paddedStart } from "../text/index.ts";
import { binaryCrossEntropy, cosent, crossEntropy, inBatchContrastive, squaredError, tripletMargin } from "./losses.ts";

/** How a loss is computed; what a goal does not use is ignored. */
export interface LossOptions {
  /** In [0, 1); default 0. */
  readonly labelSmoothing?: number;
  /** Of `triplet` with negatives: `contrastive` (default) takes the whole batch, `margin` each triplet alone. */
  readonly contrast?: "contrastive" | "margin";
}

/** What a model reads its answer from: a vector a token, a vector an example, or an embedding without a head. */
export type OutputLevel = "token" | "example" | "embedding";

/** Numbers as a step graph takes them. */
export interface TargetBatch {
  /** Absent where the loss needs nothing but the outputs. */
  readonly targets?: { readonly shape: readonly number[]; readonly data: Float32Array };
  /** How much each example (or token) counts; 0 for padding. */
  readonly weights: { readonly shape: readonly number[]; readonly data: Float32Array };
}

export interface BatchShape {
  readonly batchSize: number;
  /** Tokens a row, where the level is `token`. */
  readonly tokens?: number;
}

const MARGIN = 0.5;

export const outputLevel = ({ kind }: Goal): OutputLevel =>
  kind === "tokens" ? "token" : kind === "triplet" || kind === "pair_score" ? "embedding" : "example";

/** Shapes of the step graph's `targets` and `weights`. */
export function targetShapes(goal: Goal, { batchSize, tokens = 0 }: BatchShape) {
  const outputs = outputNames(goal).length;
  switch (goal.kind) {
    case "tokens":
      return { targets: [batchSize, tokens, outputs], weights: [batchSize, tokens] };
    case "triplet":
      return { targets: undefined, weights: [batchSize] };
    case "pair_score":
      return { targets: [batchSize, 1], weights: [batchSize] };
    default:
      return { targets: [batchSize, outputs], weights: [batchSize] };
  }
}

/**
 * Targets and weights of the examples at `indices`; rows beyond them are padding of weight 0.
 * @param classWeights  weight of each class, for `classify`; default all 1
 */
export function targetsAt(
  goal: Goal,
  split: Split,
  indices: ArrayLike<number>,
  shape: BatchShape,
  classWeights?: ArrayLike<number>,
): TargetBatch {
  const shapes = targetShapes(goal, shape);
  const size = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);
  const weights = new Float32Array(size(shapes.weights));
  const targets = shapes.targets && new Float32Array(size(shapes.targets));
  const width = shapes.targets?.at(-1) ?? 0;
  const fill = filler(goal, split, targets, weights, width, shape.tokens ?? 0, classWeights);
  for (let row = 0; row < indices.length; row++) fill(row, indices[row]!);
  return {
    targets: targets && { shape: shapes.targets!, data: targets },
    weights: { shape: shapes.weights, data: weights },
  };
}

/** Where the first of a row's `count` tokens lies in a batch of `tokens` a row: behind padding that is in front. */
export const firstToken = (split: Split, row: number, count: number, tokens: number): number =>
  paddedStart(row, count, tokens, split.kind === "text" ? split.padding.paddingSide : "right");

function filler(
  goal: Goal,
  split: Split,
  targets: Float32Array | undefined,
  weights: Float32Array,
  width: number,
  tokens: number,
  classWeights: ArrayLike<number> | undefined,
): (row: number, index: number) => void {
  if (goal.kind === "classify") {
    const labels = labelsOf(split);
    return (row, index) => {
      targets![row * width + labels[index]!] = 1;
      weights[row] = classWeights?.[labels[index]!] ?? 1;
    };
  }
  if (goal.kind === "tokens") {
    const found = split.targets;
    if (found.kind !== "tags") throw new TypeError(`the split's targets are ${found.kind}, not tags`);
    return (row, index) => {
      const tags = found.tags(index);
      const first = firstToken(split, row, tags.length, tokens);
      tags.forEach((tag, token) => {
        if (tag < 0) return;
        targets![(first + token) * width + tag] = 1;
        weights[first + token] = 1;
      });
    };
  }
  if (goal.kind === "triplet")
    return (row) => {
      weights[row] = 1;
    };
  const found = split.targets;
  if (found.kind !== "numbers") throw new TypeError(`the split's targets are ${found.kind}, not numbers`);
  return (row, index) => {
    for (let k = 0; k < width; k++) targets![row * width + k] = found.values[index * width + k]!;
    weights[row] = 1;
  };
}

/**
 * The loss of a goal, a scalar.
 * @param output   [batch, outputs], [batch, tokens, outputs], or embeddings of length 1 [views · batch, d]
 * @param targets  as `targetShapes` has it
 */
export function lossOf(
  g: Builder,
  goal: Goal,
  output: Value,
  targets: Value | undefined,
  weights: Value,
  views: number,
  { labelSmoothing = 0, contrast = "contrastive" }: LossOptions = {},
): Value {
  switch (goal.kind) {
    case "classify":
    case "tokens":
      return crossEntropy(g, output, targets!, weights, labelSmoothing);
    case "multi_label":
      return binaryCrossEntropy(g, output, targets!, weights, labelSmoothing);
    case "regress": {
      const scale = g.constant(tensorOf("float32", [goal.scale.length], goal.scale));
      return squaredError(g, g.div(output, scale), g.div(targets!, scale), weights);
    }
    case "pair_score":
      return cosent(g, output, targets!, weights);
    case "triplet":
      return contrast === "margin" && views === 3
        ? tripletMargin(g, output, weights, MARGIN)
        : inBatchContrastive(g, output, views, weights);
  }
}
