import { type Backbone, traceBackbone } from "../backbone/index.ts";
import type { LongCall } from "../base/index.ts";
import type { Graph } from "../graph/index.ts";
import type { TunedSpec } from "../methods/index.ts";
import { outputLevel, targetsAt } from "../objective/index.ts";
import type { ParameterLayout } from "../parameters/index.ts";
import type { Task } from "../tasks/index.ts";
import type { OptimizerState } from "./adamw.ts";
import { chunkGraphs, openCachedStepper } from "./cached-stepper.ts";
import { classWeightsOf } from "./class-weights.ts";
import { batchTargets, type FeedBuffers, targetFeeds, viewsOf } from "./feeds.ts";
import { cutFrozen, type Frozen, frozenFeeds, keepFrozen } from "./frozen.ts";
import type { CacheCall } from "./frozen-cache.ts";
import type { TrainOptions } from "./options.ts";
import type { PlannedBatch, TrainingPlan } from "./plan.ts";
import type { StepGraph } from "./step-graph.ts";
import { openStepper } from "./stepper.ts";
import { tunedStep } from "./tuned-step.ts";

/** Passes of `batchSize` whose embeddings are compared at once, no more than there are examples for; 1 for every other goal. */
export const chunksOf = ({ goal, train }: Task, { contrastBatch, batchSize }: TrainOptions): number =>
  outputLevel(goal) === "embedding" && contrastBatch !== undefined
    ? Math.max(1, Math.ceil(Math.min(contrastBatch, train.count) / batchSize))
    : 1;

/** Examples of one run of a step; all of the batch where the loss compares them with one another. */
export const microBatchOf = ({ goal }: Pick<Task, "goal">, { microBatch, batchSize }: TrainOptions): number =>
  outputLevel(goal) === "embedding" ? batchSize : Math.min(microBatch ?? batchSize, batchSize);

/** Steps of a training, whichever way they are done. */
export interface OpenSteps {
  step(batch: PlannedBatch, learningRate: number): Promise<{ readonly loss: number }>;
  state(): OptimizerState;
  /** What is computed no more, if anything is; gone after `release`. */
  readonly frozen: Frozen | undefined;
  release(): Promise<void>;
}

/** Open the graphs of a training's steps: one for each length of texts, one in all for pictures. */
export async function openSteps(
  backbone: Backbone,
  task: Task,
  spec: TunedSpec,
  options: TrainOptions,
  plan: TrainingPlan,
  layout: ParameterLayout,
  start: OptimizerState,
  call: LongCall & Pick<CacheCall, "shelf" | "onNote">,
): Promise<OpenSteps> {
  const views = viewsOf(task.train);
  const { seed, threads } = options;
  const chunks = chunksOf(task, options);
  // Examples of one run.
  const batchSize = chunks > 1 ? options.batchSize : microBatchOf(task, options);
  const traced: Graph[] = [];
  for (const tokens of plan.lengths)
    traced.push(await traceBackbone(backbone, { batchSize: views * batchSize, tokens }, call.signal));
  const batchOf = (indices: Uint32Array, { epoch, graph }: PlannedBatch) => ({
    split: task.train,
    indices,
    input: backbone.input,
    batchSize,
    tokens: plan.lengths[graph],
    augment: options.augment && task.augment ? { ...task.augment, seed, epoch } : undefined,
  });
  const keep = (step: Graph) =>
    keepFrozen(backbone, task, options, step, layout, plan, {
      ...call,
      threads,
      precision: options.backbonePrecision,
    });
  return chunks > 1 ? openChunked() : openParts();

  async function openParts(): Promise<OpenSteps> {
    const whole = traced.map((graph, k) =>
      tunedStep(backbone, graph, spec, options, { batchSize, views, tokens: plan.lengths[k] }),
    );
    const frozen = await keep(whole[0]!.graph);
    const stepGraphs = whole.map((each): StepGraph => ({ ...each, graph: cutFrozen(each.graph, frozen?.names) }));
    const { weightDecay, clipNorm } = options;
    const feeds = stepGraphs.map(({ graph }) => frozenFeeds(graph, frozen?.cache));
    const buffers: FeedBuffers[] = [];
    const classWeights = classWeightsOf(task, options.classWeights);
    const opening = openStepper(backbone.runtime, stepGraphs, { weightDecay, clipNorm }, start, { threads });
    const stepper = await closingOnError(frozen, opening);
    return {
      state: stepper.state,
      frozen,
      release: () => releaseBoth(stepper, frozen),
      step(planned, learningRate) {
        const parts = Array.from({ length: Math.ceil(planned.indices.length / batchSize) }, (_, k) => {
          const indices = planned.indices.subarray(k * batchSize, (k + 1) * batchSize);
          buffers[k] ??= new Map();
          const batch = { ...batchOf(indices, planned), buffers: buffers[k] };
          return { ...feeds[planned.graph]!(batch), ...batchTargets(task.goal, batch, classWeights) };
        });
        return stepper.step(parts, learningRate, planned.graph);
      },
    };
  }

  async function openChunked(): Promise<OpenSteps> {
    const sizes = { chunks, batchSize, views };
    const whole = traced.map((graph) => chunkGraphs(backbone, graph, spec, layout, options));
    const frozen = await keep(whole[0]!.backward);
    const graphs = whole.map(({ forward, backward }) => ({
      forward: cutFrozen(forward, frozen?.names),
      backward: cutFrozen(backward, frozen?.names),
    }));
    const feeds = graphs.map(({ backward }) => frozenFeeds(backward, frozen?.cache));
    const opening = openCachedStepper(backbone, graphs, spec, options, layout, sizes, start, { threads });
    const stepper = await closingOnError(frozen, opening);
    return {
      state: stepper.state,
      frozen,
      release: () => releaseBoth(stepper, frozen),
      step(batch, learningRate) {
        const { indices, graph } = batch;
        // A short batch repeats its first example where a chunk would be empty; those rows weigh nothing.
        const part = (k: number) => {
          const own = indices.subarray(k * batchSize, (k + 1) * batchSize);
          return feeds[graph]!(batchOf(own.length > 0 ? own : indices.subarray(0, 1), batch));
        };
        const all = {
          chunks: Array.from({ length: chunks }, (_, k) => part(k)),
          targets: targetFeeds(targetsAt(task.goal, task.train, indices, { batchSize: chunks * batchSize })),
        };
        return stepper.step(all, learningRate, graph);
      },
    };
  }
}

async function closingOnError<T>(frozen: Frozen | undefined, opening: Promise<T>): Promise<T> {
  try {
    return await opening;
  } catch (error) {
    frozen?.cache.close();
    throw error;
  }
}

async function releaseBoth(stepper: { release(): Promise<void> }, frozen: Frozen | undefined): Promise<void> {
  try {
    frozen?.cache.close();
  } finally {
    await stepper.release();
  }
}
