import { type Backbone, traceBackbone } from "../backbone/index.ts";
import type { LongCall } from "../base/index.ts";
import type { Graph } from "../graph/index.ts";
import type { TunedSpec } from "../methods/index.ts";
import { outputLevel, targetsAt } from "../objective/index.ts";
import type { ParameterLayout } from "../parameters/index.ts";
import type { Task } from "../tasks/index.ts";
import { openCachedStepper } from "./cached-stepper.ts";
import { classWeightsOf } from "./class-weights.ts";
import { inputFeeds, stepFeeds, targetFeeds, viewsOf } from "./feeds.ts";
import type { TrainOptions } from "./options.ts";
import type { PlannedBatch, TrainingPlan } from "./plan.ts";
import type { StepGraph } from "./step-graph.ts";
import { type OptimizerState, openStepper } from "./stepper.ts";
import { tunedStep } from "./tuned-step.ts";

/** Passes of `batchSize` whose embeddings are compared at once, no more than there are examples for; 1 for every other goal. */
export const chunksOf = ({ goal, train }: Task, { contrastBatch, batchSize }: TrainOptions): number =>
  outputLevel(goal) === "embedding" && contrastBatch !== undefined
    ? Math.max(1, Math.ceil(Math.min(contrastBatch, train.count) / batchSize))
    : 1;

/** Steps of a training, whichever way they are done. */
export interface OpenSteps {
  step(batch: PlannedBatch, learningRate: number): Promise<{ readonly loss: number }>;
  state(): OptimizerState;
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
  { signal }: LongCall,
): Promise<OpenSteps> {
  const views = viewsOf(task.train);
  const { batchSize, seed, threads } = options;
  const traced: Graph[] = [];
  for (const tokens of plan.lengths)
    traced.push(await traceBackbone(backbone, { batchSize: views * batchSize, tokens }, signal));
  const batchOf = (indices: Uint32Array, { epoch, graph }: PlannedBatch) => ({
    split: task.train,
    indices,
    input: backbone.input,
    batchSize,
    tokens: plan.lengths[graph],
    augment: options.augment && task.augment ? { ...task.augment, seed, epoch } : undefined,
  });

  const chunks = chunksOf(task, options);
  if (chunks > 1) {
    const sizes = { chunks, batchSize, views };
    const stepper = await openCachedStepper(backbone, traced, spec, options, layout, sizes, start, { threads });
    return {
      ...stepper,
      step(batch, learningRate) {
        const { indices, graph } = batch;
        // A short batch repeats its first example where a chunk would be empty; those rows weigh nothing.
        const part = (k: number) => {
          const own = indices.subarray(k * batchSize, (k + 1) * batchSize);
          return inputFeeds(batchOf(own.length > 0 ? own : indices.subarray(0, 1), batch));
        };
        const feeds = {
          chunks: Array.from({ length: chunks }, (_, k) => part(k)),
          targets: targetFeeds(targetsAt(task.goal, task.train, indices, { batchSize: chunks * batchSize })),
        };
        return stepper.step(feeds, learningRate, graph);
      },
    };
  }

  const stepGraphs: StepGraph[] = traced.map((graph, k) =>
    tunedStep(backbone, graph, spec, options, { batchSize, views, tokens: plan.lengths[k] }),
  );
  const stepper = await openStepper(backbone.runtime, stepGraphs, start, { threads });
  const classWeights = classWeightsOf(task, options.classWeights);
  return {
    state: stepper.state,
    release: stepper.release,
    step: (batch, learningRate) =>
      stepper.step(stepFeeds(task.goal, batchOf(batch.indices, batch), classWeights), learningRate, batch.graph),
  };
}
