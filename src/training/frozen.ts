import { type Backbone, inputShapes } from "../backbone/index.ts";
import { cutAt, type Graph, productFlops } from "../graph/index.ts";
import { POOLED } from "../methods/index.ts";
import type { ParameterLayout } from "../parameters/index.ts";
import type { HostTensor } from "../runtime/index.ts";
import type { Task } from "../tasks/index.ts";
import { type ExampleBatch, inputFeeds } from "./feeds.ts";
import { forwardBatchSize } from "./forward.ts";
import { frozenFrontier } from "./frontier.ts";
import { type CacheBatch, type CacheCall, cacheFrozen, type FrozenCache } from "./frozen-cache.ts";
import type { TrainOptions } from "./options.ts";
import type { TrainingPlan } from "./plan.ts";

/** Least share of a step's products that must be saved for a cache to be worth its memory. */
const LEAST_SHARE = 0.05;

/** What a training's steps do not compute again: the values at their frozen frontier, of every training example. */
export interface Frozen {
  readonly names: readonly string[];
  readonly cache: FrozenCache;
  /** Share of a step's products that is left, of 1. */
  readonly rest: number;
}

/**
 * Values worth caching for a training: those at the frozen frontier of its step, none where they differ from epoch to
 * epoch (augmentation) or with an example's batch-mates (scales of a whole batch), or where next to nothing is saved.
 */
export function frozenValues(
  backbone: Backbone,
  { augment }: Pick<Task, "augment">,
  options: TrainOptions,
  step: Graph,
  layout: ParameterLayout,
): readonly string[] {
  const changes = options.augment && augment !== undefined && (augment.flip || augment.shift > 0);
  if (!options.frozenCache || options.epochs === 1 || changes) return [];
  const trained = new Set(layout.map(({ name }) => name));
  const candidates = new Set([...backbone.states, ...backbone.sums, backbone.features, POOLED]);
  const values = frozenFrontier(step, trained, candidates);
  if (values.length === 0) return [];
  const rest = cutAt(step, values);
  const kept = new Set(rest.nodes);
  const mixes = step.nodes.some((node) => node.op === "DynamicQuantizeLinear" && !kept.has(node));
  const saved = 1 - productFlops(rest) / productFlops(step);
  return mixes || saved < LEAST_SHARE ? [] : values;
}

/**
 * Compute what a training's steps need not compute again for every training example of the plan.
 * @param step  a whole step graph of the training, as `frozenValues` takes it
 * @returns     undefined where nothing is worth it, or there is no room
 */
export async function keepFrozen(
  backbone: Backbone,
  task: Pick<Task, "train" | "augment">,
  options: TrainOptions,
  step: Graph,
  layout: ParameterLayout,
  plan: TrainingPlan,
  call: CacheCall,
): Promise<Frozen | undefined> {
  const names = frozenValues(backbone, task, options, step, layout);
  if (names.length === 0) return undefined;
  const batches = trainBatches(plan, forwardBatchSize(backbone.input));
  const cache = await cacheFrozen(backbone, task.train, names, batches, call);
  return cache && { names, cache, rest: productFlops(cutAt(step, names)) / productFlops(step) };
}

/** A graph of a training's that takes the frozen values, as far as it holds them, instead of computing them. */
export function cutFrozen(graph: Graph, names: readonly string[] = []): Graph {
  const made = new Set(graph.nodes.flatMap(({ outputs }) => outputs));
  return cutAt(
    graph,
    names.filter((name) => made.has(name)),
  );
}

/** What a cut graph is fed of a batch: frozen values, and what it still reads of the model's own inputs, such as a mask. */
export function frozenFeeds(
  { inputs }: Graph,
  cache: FrozenCache | undefined,
): (batch: ExampleBatch) => Record<string, HostTensor> {
  if (cache === undefined) return inputFeeds;
  const taken = (feeds: Record<string, HostTensor>) =>
    Object.fromEntries(Object.entries(feeds).filter(([name]) => inputs.includes(name)));
  return (batch) => {
    const own = Object.keys(inputShapes(batch.input, { batchSize: 1 })).some((name) => inputs.includes(name));
    return { ...taken(cache.values(batch)), ...(own && taken(inputFeeds(batch))) };
  };
}

/** All training examples, those of one length together. */
const trainBatches = ({ lengths, examples }: TrainingPlan, size: number): CacheBatch[] =>
  lengths.flatMap((tokens, graph) => {
    const all = examples[graph]!;
    return Array.from({ length: Math.ceil(all.length / size) }, (_, k) => ({
      indices: all.subarray(k * size, (k + 1) * size),
      tokens,
    }));
  });
