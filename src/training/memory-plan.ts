import { type Backbone, traceBackbone } from "../backbone/index.ts";
import { parseOptions } from "../base/index.ts";
import { byteLength, elementCount, type Graph, isReread, type Tensor, tensorBytes } from "../graph/index.ts";
import { type Method, type TunedSpec, upToFeatures } from "../methods/index.ts";
import { parameterCount } from "../parameters/index.ts";
import { atPrecision } from "../precision/index.ts";
import { type SessionMemory, sessionMemory } from "../runtime/index.ts";
import type { Task } from "../tasks/index.ts";
import { chunkGraphs, embeddingWidth, lossGraph } from "./cached-stepper.ts";
import { viewsOf } from "./feeds.ts";
import { forwardBatchSize } from "./forward.ts";
import { cutFrozen, frozenValues } from "./frozen.ts";
import { chunksOf, microBatchOf } from "./open-steps.ts";
import { TrainOptions, type TrainSettings } from "./options.ts";
import { planTraining } from "./plan.ts";
import { precisionOf } from "./precision-of.ts";
import { tunedForward, tunedLayout, tunedStep } from "./tuned-step.ts";

/** What a training will take, in bytes, told from its graphs without running them. */
export interface MemoryPlan {
  /** In use before it: the program, the data, and weights of a small model; those of a big file are read when they are needed. */
  readonly inUse: number;
  /** Weights in the sessions of steps and validation, packed for products; those a gradient passes also transposed; those of a big file that all share, once, or what of them waits for the collector. */
  readonly weights: number;
  /** The most that values take in a step of each length (with chunks also in their embedding and their loss), and in a pass over validation examples. */
  readonly activations: number;
  /** Parameters, two moments, a gradient (of batches in parts or chunks their sum, too); the best parameters; and a checkpoint being written. */
  readonly optimizer: number;
  /** Frozen values kept of each example: in memory where there is room, else in a temporary file. */
  readonly cache: number;
  /** All of it but the cache, and some 30 MB of graphs and sessions. */
  readonly peak: number;
}

/** What the runtime takes for weights, of their bytes: it packs them (measured: 1.2 to 1.33 at ViT-B and MiniLM size). */
const PACKED = 1.3;

/**
 * What the runtime takes for a forward pass's values, of what they take at one time (measured: 3.3 to 3.5 at ViT-B and MiniLM
 * size): its arena grows in powers of two. A step's values are many times as many and fill what it has.
 */
const FORWARD = 3.3;

/**
 * Share of a big file's weights that are in memory at the peak though nothing uses them: they wait for the collector, which steps do
 * not call (measured at ViT-B and MiniLM size with int8 products and fully tuned, where plan and peak without it differ by a sixth to the whole of them).
 */
const WAITING = 0.5;

/** What graphs, sessions and the fit of the head take besides (measured: 25 to 40 MB). */
const REST = 30e6;

/** Sets of parameters: now, two moments and a gradient; the best; those of a checkpoint that is written. */
const SETS = 4 + 1 + 4;

/** Where a batch comes in parts, or chunks: the gradients' sum. */
const SUMS = 1;

/**
 * Plan a training's memory. Texts take that of their longest length in full, and all lengths' sessions stay open.
 * @param inUse  bytes the process takes now, less the weights of a big file that are in memory just now (`heldBytes`): what the
 *               training needs of those is planned; 0 where that is not known, as in a page
 * @throws GraftError OPTIONS, and those of tracing and inserting
 */
export async function planMemory(
  backbone: Backbone,
  task: Task,
  method: Method,
  settings: TrainSettings = {},
  { inUse = 0, signal }: { readonly inUse?: number; readonly signal?: AbortSignal } = {},
): Promise<MemoryPlan> {
  const options = parseOptions(TrainOptions, settings, "training options");
  const whole = Math.min(options.batchSize, task.train.count);
  const chunks = chunksOf(task, { ...options, batchSize: whole });
  const batchSize = microBatchOf(task, { ...options, batchSize: whole });
  const views = viewsOf(task.train);
  const spec: TunedSpec = { method, goal: task.goal };
  const layout = tunedLayout(backbone, spec, options);
  const { lengths } = planTraining(task.train, backbone.input, whole, options.seed);
  await backbone.runtime.settleDevice();
  const { lower } = await atPrecision(backbone, await precisionOf(backbone, method, options));
  // Int8 weights are made for the training, and stay beside the sessions' own.
  const made = new Set<Tensor>();
  // Those of a big file, which sessions share.
  const fed = new Set<Tensor>();
  // Parameters are counted as the optimizer's, once, though every graph takes them.
  const parameters = layout.map(({ name }) => name);
  const memoryOf = (graph: Graph, given: readonly string[] = []): SessionMemory => {
    const opened = lower(graph);
    for (const [name, tensor] of opened.initializers)
      if (tensor.dtype === "int8" && !graph.initializers.has(name)) made.add(tensor);
    const shared = backbone.runtime.sharedWeights(opened);
    for (const name of shared) fed.add(opened.initializers.get(name)!);
    return sessionMemory(opened, new Set([...shared, ...parameters, ...given]));
  };
  const forwardOf = (graph: Graph): SessionMemory => {
    const { weights, values } = memoryOf(graph);
    return { weights, values: FORWARD * values };
  };

  const sessions: SessionMemory[] = [];
  let cache = 0;
  for (const tokens of lengths) {
    const traced = await traceBackbone(backbone, { batchSize: views * batchSize, tokens }, signal);
    const chunk = chunks > 1 ? chunkGraphs(backbone, traced, spec, layout, options) : undefined;
    const step = chunk?.backward ?? tunedStep(backbone, traced, spec, options, { batchSize, views, tokens }).graph;
    const frozen = frozenValues(backbone, task, options, step, layout);
    sessions.push(memoryOf(cutFrozen(step, frozen), step.outputs));
    if (chunk) sessions.push(forwardOf(cutFrozen(chunk.forward, frozen)));
    if (tokens !== lengths.at(-1)) continue;
    if (chunk) sessions.push(memoryOf(lossGraph(spec, options, { chunks, batchSize, views }, embeddingWidth(chunk))));
    const rows = views * Math.min(forwardBatchSize(backbone.input), task.validation.count);
    const validated = await traceBackbone(backbone, { batchSize: rows, tokens }, signal);
    const forward = forwardOf(cutFrozen(tunedForward({ ...backbone, graph: validated }, spec, layout), frozen));
    // Frozen values of validation examples are computed when the step's session is open already.
    const plain = frozen.length > 0 ? forwardOf(upToFeatures(backbone, validated)).values : 0;
    sessions.push({ ...forward, values: Math.max(forward.values, plain) });
    const examples = (task.train.count + task.validation.count) / batchSize;
    cache = examples * frozen.reduce((sum, name) => sum + bytesOf(step, name), 0);
  }
  const sum = (of: (session: SessionMemory) => number) => sessions.reduce((total, each) => total + of(each), 0);
  const inFile = (tensors: Iterable<Tensor>) => bytesIn([...tensors].filter(isReread));
  const read = Math.max(inFile(fed), WAITING * inFile(backbone.graph.initializers.values()));
  const plan = {
    inUse,
    weights: Math.round(PACKED * sum(({ weights }) => weights) + bytesIn(made) + read),
    activations: Math.round(sum(({ values }) => values)),
    optimizer: (SETS + (batchSize < whole || chunks > 1 ? SUMS : 0)) * 4 * parameterCount(layout),
    cache: Math.round(cache),
  };
  return { ...plan, peak: inUse + plan.weights + plan.activations + plan.optimizer + REST };
}

const bytesIn = (tensors: Iterable<Tensor>): number =>
  [...tensors].reduce((sum, tensor) => sum + tensorBytes(tensor), 0);

const bytesOf = ({ types }: Graph, name: string): number => {
  const { dtype, shape } = types.get(name)!;
  return byteLength(dtype, elementCount(shape as readonly number[]));
};

/** Examples a step found for `--batch-size auto` has at most: larger batches make a training's steps too few. */
const LARGEST_BATCH = 256;

/**
 * The largest power of two, up to 256 and the training examples, at which a training fits.
 * @param free  bytes it may take beyond what is in use
 * @returns     0 where not even one example does
 * @throws GraftError of `planMemory`
 */
export async function largestBatch(
  backbone: Backbone,
  task: Task,
  method: Method,
  settings: TrainSettings,
  { free, signal }: { readonly free: number; readonly signal?: AbortSignal },
): Promise<number> {
  const needed = async (batchSize: number) =>
    (await planMemory(backbone, task, method, { ...settings, batchSize }, { signal })).peak;
  // What a plan needs grows by as much with each example.
  const [few, more] = [await needed(2), await needed(4)];
  const most = Math.min(LARGEST_BATCH, task.train.count, 2 + (free - few) / ((more - few) / 2));
  return most < 1 ? 0 : 2 ** Math.floor(Math.log2(most));
}
