import { type Builder, staticShape, type Value } from "../graph/index.ts";

/** What a sum of weights is at least; no example or token weighs so little. */
const LEAST_WEIGHT = 1e-12;

/** Σ x · weights / Σ weights: the mean over what counts; 0 where nothing does. @param x,weights of one shape */
export function weightedMean(g: Builder, x: Value, weights: Value): Value {
  const axes = staticShape(weights).map((_, axis) => axis);
  const total = g.max(g.reduceSum(weights, axes, false), g.scalar(LEAST_WEIGHT));
  return g.div(g.reduceSum(g.mul(x, weights), axes, false), total);
}

/**
 * Softmax cross-entropy, the mean over examples weighted by `weights` (0 for the padding of a short batch).
 * @param logits     [..., classes]
 * @param targets    one-hot, [..., classes]
 * @param weights    [...]; of a batch without a tag that counts all are 0, and so is the loss
 * @param smoothing  label smoothing in [0, 1)
 * @returns          loss, a scalar
 */
export function crossEntropy(g: Builder, logits: Value, targets: Value, weights: Value, smoothing = 0): Value {
  const classes = staticShape(logits).at(-1)!;
  const smooth =
    smoothing === 0 ? targets : g.add(g.mul(targets, g.scalar(1 - smoothing)), g.scalar(smoothing / classes));
  return g.neg(weightedMean(g, g.reduceSum(g.mul(smooth, g.logSoftmax(logits)), [-1], false), weights));
}

/**
 * Binary cross-entropy of independent classes, −t log σ(z) − (1 − t) log(1 − σ(z)) = softplus(z) − t z: the mean over
 * classes, then over examples by weight.
 * @param logits,targets  [batch, classes]; targets 0 or 1 (smoothed towards 1/2)
 * @param weights         [batch]
 */
export function binaryCrossEntropy(g: Builder, logits: Value, targets: Value, weights: Value, smoothing = 0): Value {
  const smooth = smoothing === 0 ? targets : g.add(g.mul(targets, g.scalar(1 - smoothing)), g.scalar(smoothing / 2));
  const each = g.sub(g.op("Softplus", [logits]), g.mul(smooth, logits));
  return weightedMean(g, g.reduceMean(each, [-1], false), weights);
}

/** Mean squared error: over outputs, then over examples by weight. @param outputs,targets [batch, k] */
export function squaredError(g: Builder, outputs: Value, targets: Value, weights: Value): Value {
  const difference = g.sub(outputs, targets);
  return weightedMean(g, g.reduceMean(g.mul(difference, difference), [-1], false), weights);
}

/** Factor of cosines in a softmax: 1/temperature, as sentence-transformers has it. */
export const COSINE_SCALE = 20;

/** What is added to a logit that must not count; its exponential is 0 in float32. */
const NEVER = -1e4;

/**
 * In-batch contrastive loss (InfoNCE; MultipleNegativesRanking): each anchor is to be nearest, by cosine, to its own
 * positive among the positives (and hard negatives) of the whole batch.
 * @param vectors  of length 1, [views · batch, d]: anchors, positives, and perhaps negatives, one below the other
 * @param weights  [batch]; examples of weight 0 are nobody's negatives
 */
export function inBatchContrastive(g: Builder, vectors: Value, views: number, weights: Value): Value {
  const [batch] = staticShape(weights) as [number];
  const rows = views * batch;
  const anchors = g.slice(vectors, 0, 0, batch);
  const candidates = g.slice(vectors, 0, batch, rows);
  const cosines = g.matmul(anchors, g.transpose(candidates, [1, 0]));
  const counts = g.concat(new Array<Value>(views - 1).fill(weights), 0);
  const absent = g.mul(g.cast(g.equal(counts, g.scalar(0)), "float32"), g.scalar(NEVER));
  const logits = g.add(g.mul(cosines, g.scalar(COSINE_SCALE)), g.unsqueeze(absent, [0]));
  const own = g.reduceSum(g.mul(anchors, g.slice(vectors, 0, batch, 2 * batch)), [-1], false);
  const logSum = g.reduceLogSumExp(logits, [1], false);
  return weightedMean(g, g.sub(logSum, g.mul(own, g.scalar(COSINE_SCALE))), weights);
}

/**
 * Triplet loss on cosine distance: an anchor is to be nearer to its positive than to its negative by a margin.
 * @param vectors  of length 1, [3 · batch, d]
 */
export function tripletMargin(g: Builder, vectors: Value, weights: Value, margin: number): Value {
  const [batch] = staticShape(weights) as [number];
  const part = (k: number) => g.slice(vectors, 0, k * batch, (k + 1) * batch);
  const further = g.reduceSum(g.mul(part(0), g.sub(part(2), part(1))), [-1], false);
  return weightedMean(g, g.relu(g.add(further, g.scalar(margin))), weights);
}

/**
 * CoSENT: pairs with a higher score are to have a higher cosine, log(1 + Σ exp(20 · (cos_j − cos_i))) over all i, j with
 * score_i > score_j. @see Su 2022, CoSENT; sentence-transformers' CoSENTLoss
 * @param vectors  of length 1, [2 · batch, d]
 * @param scores   [batch, 1]
 */
export function cosent(g: Builder, vectors: Value, scores: Value, weights: Value): Value {
  const [batch] = staticShape(weights) as [number];
  const halves = [g.slice(vectors, 0, 0, batch), g.slice(vectors, 0, batch, 2 * batch)] as const;
  const cosines = g.reduceSum(g.mul(halves[0], halves[1]), [-1], false);
  const across = (x: Value, axis: number) => g.unsqueeze(x, [axis]);
  const flat = g.squeeze(scores, [1]);
  const ordered = g.cast(g.greater(across(flat, 1), across(flat, 0)), "float32");
  const present = g.cast(g.greater(g.mul(across(weights, 1), across(weights, 0)), g.scalar(0)), "float32");
  const excluded = g.mul(g.sub(g.scalar(1), g.mul(ordered, present)), g.scalar(NEVER));
  const differences = g.mul(g.sub(across(cosines, 0), across(cosines, 1)), g.scalar(COSINE_SCALE));
  const terms = g.reshape(g.add(differences, excluded), [1, batch * batch]);
  const logits = g.concat([g.filled([1, 1], 0), terms], 1);
  return g.reshape(g.reduceLogSumExp(logits, [1], false), []);
}
