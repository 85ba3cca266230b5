import { type Builder, staticShape, type Value } from "../graph/index.ts";
import type { Parameter } from "../parameters/index.ts";

/** How token features become one vector per example. */
export type Pooling = "cls" | "mean" | "cls+mean";

/**
 * Pool features over tokens.
 * @param features  [batch, tokens, d]; the batch may be dynamic
 * @returns         [batch, d], or [batch, 2d] for `cls+mean` (the mean leaves out the class token)
 */
export function pool(g: Builder, features: Value, pooling: Pooling): Value {
  const cls = () => g.squeeze(g.slice(features, 1, 0, 1), [1]);
  const END = Number.MAX_SAFE_INTEGER;
  switch (pooling) {
    case "cls":
      return cls();
    case "mean":
      return g.reduceMean(features, [1], false);
    case "cls+mean":
      return g.concat([cls(), g.reduceMean(g.slice(features, 1, 1, END), [1], false)], -1);
  }
}

/** Width of what `pool` returns. */
export const pooledSize = (hiddenSize: number, pooling: Pooling): number =>
  pooling === "cls+mean" ? 2 * hiddenSize : hiddenSize;

/** The trainable tensors of a linear head over pooled features. */
export function headParameters(hiddenSize: number, pooling: Pooling, classes: number): Parameter[] {
  return [
    { name: "head.weight", shape: [pooledSize(hiddenSize, pooling), classes] },
    { name: "head.bias", shape: [classes], decay: false },
  ];
}

/** Linear head: pooled [batch, k] · weight [k, classes] + bias [classes]. */
export function linearHead(g: Builder, pooled: Value, weight: Value, bias: Value): Value {
  return g.add(g.matmul(pooled, weight), bias);
}

/**
 * Softmax cross-entropy, the mean over examples weighted by `weights` (0 for the padding of a short batch).
 * @param logits     [batch, classes]
 * @param targets    one-hot, [batch, classes]
 * @param weights    [batch]; their sum must be positive
 * @param smoothing  label smoothing in [0, 1)
 * @returns          loss, a scalar
 */
export function crossEntropy(g: Builder, logits: Value, targets: Value, weights: Value, smoothing = 0): Value {
  const [, classes] = staticShape(logits) as [number, number];
  const smooth =
    smoothing === 0 ? targets : g.add(g.mul(targets, g.scalar(1 - smoothing)), g.scalar(smoothing / classes));
  const perExample = g.reduceSum(g.mul(smooth, g.logSoftmax(logits)), [-1], false);
  const total = g.reduceSum(g.mul(perExample, weights), [0], false);
  return g.neg(g.div(total, g.reduceSum(weights, [0], false)));
}
