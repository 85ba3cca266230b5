import type { Backbone } from "../backbone/index.ts";
import type { LongCall } from "../base/index.ts";
import { prune, type Tensor } from "../graph/index.ts";
import { bakedModel, type TunedSpec } from "../methods/index.ts";
import { type Evaluation, evaluateOutputs, outputLevel, pooledSize } from "../objective/index.ts";
import { type Goal, outputNames, type Split } from "../tasks/index.ts";
import { forwardRows } from "./forward.ts";
import { OUTPUT } from "./tuned-step.ts";

/** What a method trained, and the head, on their backbone. */
export interface TunedModel {
  readonly backbone: Backbone;
  readonly spec: TunedSpec;
  /** The method's parameters and the head's by name. */
  readonly tensors: ReadonlyMap<string, Tensor>;
}

export interface EvaluateOptions extends LongCall {
  /** Examples at once; default up to 100 pictures, fewer if they are large, or 32 texts. Results do not depend on it but for rounding. */
  readonly batchSize?: number;
  /** Threads of the runtime; default its own choice, all cores. */
  readonly threads?: number;
}

/** Numbers a model answers with: a head's outputs, or the embedding's size. */
export const outputWidth = ({ hiddenSize, pooling }: Backbone, goal: Goal): number =>
  outputLevel(goal) === "embedding" ? pooledSize(hiddenSize, pooling) : outputNames(goal).length;

/**
 * Answers to the examples of a split: logits [count, classes], numbers in their own units [count, names], logits of each
 * token that has a tag, in order, [tokens, classes], or embeddings of length 1, [count · views, d].
 */
export async function outputsOf(
  { backbone, spec, tensors }: TunedModel,
  split: Split,
  { threads, ...options }: EvaluateOptions = {},
): Promise<Float32Array> {
  const { g, output } = bakedModel(backbone, spec, tensors);
  const graph = prune(g.toGraph([g.rename(output(), OUTPUT).name]));
  const session = await backbone.runtime.open(graph, { threads });
  try {
    const width = outputWidth(backbone, spec.goal);
    const run = { input: backbone.input, output: OUTPUT, width, level: outputLevel(spec.goal), phase: "evaluate" };
    return await forwardRows(session, split, { ...options, ...run });
  } finally {
    await session.release();
  }
}

/** Evaluate a model on a split. */
export async function evaluate(model: TunedModel, split: Split, options?: EvaluateOptions): Promise<Evaluation> {
  return evaluateOutputs(model.spec.goal, split, await outputsOf(model, split, options));
}
