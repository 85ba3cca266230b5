import { bakedClassifier, type ClassifierSpec } from "../adapters/index.ts";
import type { Backbone } from "../backbone/index.ts";
import type { LongCall } from "../base/index.ts";
import { prune, type Tensor } from "../graph/index.ts";
import type { Split } from "../tasks/index.ts";
import { forwardRows } from "./image-batches.ts";

/** Loss and accuracy over a split. */
export interface Evaluation {
  /** Mean cross-entropy, without label smoothing. */
  readonly loss: number;
  /** Share of examples whose largest logit is the label's, in [0, 1]. */
  readonly value: number;
}

/** A trained classifier on its backbone. */
export interface Classifier {
  readonly backbone: Backbone;
  readonly spec: ClassifierSpec;
  /** Adapters and head by name. */
  readonly tensors: ReadonlyMap<string, Tensor>;
}

export interface EvaluateOptions extends LongCall {
  /** Images at once; default 100. Results do not depend on it but for rounding. */
  readonly batchSize?: number;
  /** Threads of the runtime; default its own choice, all cores. */
  readonly threads?: number;
}

/** Logits of every example of a split, [count, classes]. */
export async function logitsOf(
  { backbone, spec, tensors }: Classifier,
  split: Split,
  { threads, ...options }: EvaluateOptions = {},
): Promise<Float32Array> {
  const { g, logits } = bakedClassifier(backbone, spec, tensors);
  const graph = prune(g.toGraph([g.rename(logits, "logits").name]));
  const session = await backbone.runtime.open(graph, threads === undefined ? {} : { threads });
  try {
    const run = { input: backbone.input, output: "logits", width: spec.classes.length, phase: "evaluate" };
    return await forwardRows(session, split, { ...options, ...run });
  } finally {
    await session.release();
  }
}

/** Evaluate a classifier on a split. */
export async function evaluate(model: Classifier, split: Split, options?: EvaluateOptions): Promise<Evaluation> {
  const logits = await logitsOf(model, split, options);
  return scoreLogits(logits, split.labels, model.spec.classes.length);
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
