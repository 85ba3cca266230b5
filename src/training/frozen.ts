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
import type { FrozenShelf } from "./frozen-shelf.ts";
import type { TrainOptions } from "./options.ts";
import type { TrainingPlan } from "./plan.ts";

/** Least share of a step's products that must be saved for a cache to be worth its memory. */
const LEAST_SHARE = 0.05;

/** Share of a shelf that one training's changing pictures may take: if they pushed out others', nothing would be met again. */
const EPOCHS_SHARE = 0.25;

/** What a training's steps do not compute again: the values at their frozen frontier, of every training example. */
export interface Frozen {
  readonly names: readonly string[];
  readonly cache: FrozenCache;
  /** Share of a step's products that is left, of 1. */
  readonly rest: number;
}

/**
 * Values worth caching for a training: those at the frozen frontier of its step, none where next to nothing is
 * saved; where an example is never met again as it
 * was (augmented anew each epoch, or one epoch), none but for the shelf of a search, whose trainings of one seed meet the same.
 */
export function frozenValues(
  backbone: Backbone,
  task: Pick<Task, "augment">,
  options: TrainOptions,
  step: Graph,
  layout: ParameterLayout,
  shelf?: Pick<FrozenShelf, "keepsEpochs">,
): readonly string[] {
  const meetsAgain = options.epochs > 1 && !changes(task, options);
  if (!options.frozenCache || !(meetsAgain || shelf?.keepsEpochs)) return [];
  const values = frontierOf(backbone, step, layout);
  const saved = 1 - productFlops(cutAt(step, values)) / productFlops(step);
  return saved < LEAST_SHARE ? [] : values;
}

/** The frozen frontier of a step or a forward pass; nothing where that differs with an example's batch-mates (scales of a whole batch). */
export function frontierOf(backbone: Backbone, graph: Graph, layout: ParameterLayout): readonly string[] {
  const trained = new Set(layout.map(({ name }) => name));
  const candidates = new Set([...backbone.states, ...backbone.sums, backbone.features, POOLED]);
  const values = frozenFrontier(graph, trained, candidates);
  if (values.length === 0) return [];
  const kept = new Set(cutAt(graph, values).nodes);
  return graph.nodes.some((node) => node.op === "DynamicQuantizeLinear" && !kept.has(node)) ? [] : values;
}

/** Whether pictures differ from epoch to epoch. */
const changes = ({ augment }: Pick<Task, "augment">, options: TrainOptions): boolean =>
  options.augment && augment !== undefined && (augment.flip || augment.shift > 0);

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
  const { shelf } = call;
  const names = frozenValues(backbone, task, options, step, layout, shelf);
  if (names.length === 0) return undefined;
  const size = forwardBatchSize(backbone.input);
  const { augment } = task;
  const { seed, epochs } = options;
  const [batches, most] =
    augment && changes(task, options)
      ? [
          Array.from({ length: epochs }, (_, epoch) => trainBatches(plan, size, { ...augment, seed, epoch })).flat(),
          shelf && EPOCHS_SHARE * shelf.bytes,
        ]
      : [trainBatches(plan, size)];
  const cache = await cacheFrozen(backbone, task.train, names, batches, { ...call, most });
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
const trainBatches = (
  { lengths, examples }: TrainingPlan,
  size: number,
  augment?: CacheBatch["augment"],
): CacheBatch[] =>
  lengths.flatMap((tokens, graph) => {
    const all = examples[graph]!;
    return Array.from({ length: Math.ceil(all.length / size) }, (_, k) => ({
      indices: all.subarray(k * size, (k + 1) * size),
      tokens,
      augment,
    }));
  });
