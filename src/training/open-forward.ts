import type { Backbone } from "../backbone/index.ts";
import { type TunedSpec, tunedParameters } from "../methods/index.ts";
import { type Evaluation, evaluateOutputs, outputLevel } from "../objective/index.ts";
import { layoutOf, type ParameterLayout, packVectors, type Vectors } from "../parameters/index.ts";
import type { Split } from "../tasks/index.ts";
import { outputWidth, type TunedModel } from "./evaluate.ts";
import type { FeedBuffers } from "./feeds.ts";
import { forwardBatches, forwardRows } from "./forward.ts";
import { cutFrozen, frontierOf, frozenFeeds } from "./frozen.ts";
import { type CacheCall, cacheFrozen } from "./frozen-cache.ts";
import { vectorTensors } from "./stepper.ts";
import { OUTPUT, tunedForward } from "./tuned-step.ts";

/** A tuned model's forward pass over a split's examples, from frozen values where there are any; parameters are fed. */
export interface OpenForward {
  evaluate(theta: Vectors): Promise<Evaluation>;
  release(): Promise<void>;
}

/** @param names  frozen values to start from, if there is room for them; none: compute everything */
export async function openForward(
  backbone: Backbone,
  split: Split,
  spec: TunedSpec,
  layout: ParameterLayout,
  names: readonly string[],
  call: CacheCall,
): Promise<OpenForward> {
  const { input, runtime } = backbone;
  const { threads, signal } = call;
  const { goal } = spec;
  const kept =
    names.length > 0 ? await cacheFrozen(backbone, split, names, forwardBatches(split, input), call) : undefined;
  const graph = cutFrozen(tunedForward(backbone, spec, layout), kept && names);
  const session = await runtime.open(graph, { threads }).catch((error) => {
    kept?.close();
    throw error;
  });
  const feedsOf = frozenFeeds(graph, kept);
  const buffers: FeedBuffers = new Map();
  const [width, level] = [outputWidth(backbone, goal), outputLevel(goal)];
  return {
    async release() {
      kept?.close();
      await session.release();
    },
    async evaluate(theta) {
      const feeds = vectorTensors(layout, theta);
      const run = { input, output: OUTPUT, width, level, feeds, feedsOf, buffers, signal };
      return evaluateOutputs(goal, split, await forwardRows(session, split, run));
    },
  };
}

/** A trained model's forward pass, from the frozen values that its method allows. @returns its layout too */
export async function openTrained({ backbone, spec }: TunedModel, split: Split, call: CacheCall) {
  const layout = layoutOf(tunedParameters(backbone, spec));
  const names = frontierOf(backbone, tunedForward(backbone, spec, layout), layout);
  return { layout, ...(await openForward(backbone, split, spec, layout, names, call)) };
}

/** Evaluate a model on a split that other models of a search meet too: like `evaluate`, but for rounding. */
export async function evaluateFromShelf(
  model: TunedModel,
  split: Split,
  call: CacheCall & Required<Pick<CacheCall, "shelf">>,
): Promise<Evaluation> {
  const { layout, evaluate, release } = await openTrained(model, split, call);
  try {
    return await evaluate(packVectors(layout, model.tensors));
  } finally {
    await release();
  }
}
