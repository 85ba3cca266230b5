import type { AdapterOptions, Placement } from "../adapters/index.ts";
import type { Backbone } from "../backbone/index.ts";
import { breathe, type LongCall, parseOptions } from "../base/index.ts";
import { tensorOf } from "../graph/index.ts";
import { type Method, methodOf, startTensors, type TunedSpec } from "../methods/index.ts";
import { outputLevel } from "../objective/index.ts";
import { packVectors, parameterCount } from "../parameters/index.ts";
import { atPrecision } from "../precision/index.ts";
import type { Task } from "../tasks/index.ts";
import { initialState } from "./adamw.ts";
import { classWeightsOf } from "./class-weights.ts";
import { outputWidth } from "./evaluate.ts";
import { extractFeatures } from "./features.ts";
import { fitHead } from "./fit-head.ts";
import { allIndices, forwardBatchSize, forwardRows } from "./forward.ts";
import { chunksOf, openSteps } from "./open-steps.ts";
import { TrainOptions, type TrainSettings } from "./options.ts";
import { type PlannedBatch, planTraining, type TrainingPlan } from "./plan.ts";
import { precisionOf } from "./precision-of.ts";
import { OUTPUT, tunedForward, tunedLayout } from "./tuned-step.ts";

export interface EstimateCall extends LongCall {
  readonly adapter?: AdapterOptions;
  readonly options?: TrainSettings;
  /** Bytes the process has reached; the result says 0 without it. */
  readonly memory?: () => number;
}

/** What a training would cost on this machine, from steps and passes that were timed. */
export interface TrainingEstimate {
  readonly trainableParameters: number;
  /** Of all epochs; early stopping (`patience`) may make it fewer. */
  readonly steps: number;
  /** Mean of an epoch's steps. */
  readonly stepSeconds: number;
  /** Of one example, mean of the training split. */
  readonly forwardSeconds: number;
  /** Fitting the linear head on the features of all training examples; 0 for embeddings. */
  readonly headSeconds: number;
  /** Preparing the graphs, all steps, and the passes over validation and test. */
  readonly secondsTraining: number;
  /** Measuring the base: features of all splits, the head, neighbours. */
  readonly secondsBase: number;
  /** The most of `memory` on the way. */
  readonly memoryBytes: number;
}

/** Steps timed for each length of texts, after one that warms up. */
const TIMED_STEPS = 3;
/** Batches of a forward pass that are timed, after one that warms up. */
const TIMED_BATCHES = 3;

/**
 * Estimate a training without doing it: open its graphs, time a few steps at each length of texts on a state that is
 * thrown away, a few forward batches and a small fit of the head, and multiply.
 * @throws GraftError those of `train`
 */
export async function estimateTraining(
  backbone: Backbone,
  task: Task,
  what: Placement | Method,
  call: EstimateCall = {},
): Promise<TrainingEstimate> {
  const asked = parseOptions(TrainOptions, call.options ?? {}, "training options");
  const options = { ...asked, batchSize: Math.min(asked.batchSize, task.train.count) };
  const spec: TunedSpec = { method: methodOf(backbone, what, call.adapter), goal: task.goal };
  const layout = tunedLayout(backbone, spec, options);
  const plan = planTraining(task.train, backbone.input, chunksOf(task, options) * options.batchSize, options.seed);
  const peak = peakOf(call.memory);

  const { backbone: lower } = await atPrecision(backbone, await precisionOf(backbone, spec.method, asked));
  const forward = await timeForward(lower, task, spec, options, call);
  peak.look();
  const headSeconds = await timeHead(backbone, task, options, call);
  peak.look();

  const begun = performance.now();
  const vectors = packVectors(layout, allTensors(backbone, spec, layout, options));
  const { counts, examples } = batchesByGraph(plan);
  // Frozen values are kept of the examples of timed steps alone.
  const met = {
    ...plan,
    examples: examples.map((batches) => Uint32Array.from(new Set(batches.flatMap(({ indices }) => [...indices])))),
  };
  const steps = await openSteps(lower, task, spec, options, met, layout, initialState({ layout }, vectors), call);
  const preparing = (performance.now() - begun) / 1000;
  try {
    let perEpoch = 0;
    for (const [graph, batches] of examples.entries()) {
      // A rate of 0 leaves the parameters as they are.
      const step = (k: number) => steps.step(batches[k % batches.length]!, 0);
      const seconds = await timed(step, TIMED_STEPS, call.signal);
      perEpoch += counts[graph]! * seconds;
      peak.look();
      call.onProgress?.({ phase: "time steps", done: graph + 1, total: examples.length, unit: "lengths" });
    }
    const { train, validation, test } = task;
    const { rest = 1 } = steps.frozen ?? {};
    const keeping = steps.frozen ? forward.seconds * (train.count + validation.count) : 0;
    const validating = rest * forward.seconds * options.epochs * validation.count;
    const passes = keeping + validating + forward.seconds * test.count + 2 * forward.opening;
    const others = validation.count + test.count;
    return {
      trainableParameters: parameterCount(layout),
      steps: plan.stepsPerEpoch * options.epochs,
      stepSeconds: perEpoch / plan.stepsPerEpoch,
      forwardSeconds: forward.seconds,
      headSeconds,
      secondsTraining: preparing + perEpoch * options.epochs + passes,
      secondsBase: forward.seconds * (train.count + others) + 3 * forward.opening + headSeconds,
      memoryBytes: peak.bytes(),
    };
  } finally {
    await steps.release();
  }
}

function peakOf(memory: (() => number) | undefined) {
  let most = 0;
  const look = () => {
    most = Math.max(most, memory?.() ?? 0);
  };
  return {
    look,
    bytes() {
      look();
      return most;
    },
  };
}

/** Seconds of calls that are enough: one is, where it takes that long. */
const ENOUGH = 0.4;

/** Seconds of one call: the median of some, after one that warms up. */
async function timed(run: (k: number) => Promise<unknown>, count: number, signal?: AbortSignal): Promise<number> {
  const seconds: number[] = [];
  for (let k = 0, sum = 0; k <= count && sum < ENOUGH; k++) {
    const begun = performance.now();
    await run(k);
    seconds.push((performance.now() - begun) / 1000);
    if (k > 0) sum += seconds[k]!;
    await breathe(signal);
  }
  const sorted = seconds.slice(1).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

/** For each graph its batches of an epoch: their number, and the first few. */
function batchesByGraph(plan: TrainingPlan) {
  const counts = plan.lengths.map(() => 0);
  const examples: PlannedBatch[][] = plan.lengths.map(() => []);
  for (let step = 0; step < plan.stepsPerEpoch; step++) {
    const batch = plan.batch(step);
    counts[batch.graph]! += 1;
    if (examples[batch.graph]!.length <= TIMED_STEPS) examples[batch.graph]!.push(batch);
  }
  return { counts, examples };
}

/** Seconds of one example, and of opening the graph. Texts are taken evenly from all lengths. */
async function timeForward(backbone: Backbone, task: Task, spec: TunedSpec, options: TrainOptions, call: LongCall) {
  const { threads } = options;
  const { train, goal } = task;
  const layout = tunedLayout(backbone, spec, options);
  const vectors = packVectors(layout, allTensors(backbone, spec, layout, options));
  const feeds = Object.fromEntries(
    layout.map(({ name, size }, k) => [name, { dtype: "float32", shape: [size], data: vectors[k]! } as const]),
  );
  const begun = performance.now();
  const session = await backbone.runtime.open(tunedForward(backbone, spec, layout), { threads });
  const opening = (performance.now() - begun) / 1000;
  try {
    const [width, level] = [outputWidth(backbone, goal), outputLevel(goal)];
    const run = { input: backbone.input, output: OUTPUT, width, level, feeds, signal: call.signal };
    const batch = forwardBatchSize(backbone.input);
    const groups = evenGroups(task, batch);
    const indices = (k: number) => groups[k % groups.length]!;
    await forwardRows(session, train, { ...run, indices: indices(groups.length - 1) });
    let [seconds, examples] = [0, 0];
    for (let k = 0; k < groups.length; k++) {
      const from = performance.now();
      await forwardRows(session, train, { ...run, indices: indices(k) });
      seconds += (performance.now() - from) / 1000;
      examples += indices(k).length;
    }
    return { seconds: seconds / examples, opening };
  } finally {
    await session.release();
  }
}

/** A few batches of examples of like length, from all lengths. */
function evenGroups({ train }: Task, batch: number): Uint32Array[] {
  const order = allIndices(train.count);
  if (train.kind === "image") return [order.subarray(0, batch)];
  const lengths = order.map((index) => train.length(index));
  order.sort((a, b) => lengths[a]! - lengths[b]! || a - b);
  const groups = Math.min(TIMED_BATCHES, Math.ceil(train.count / batch));
  // The middles of as many parts of equal size.
  return Array.from({ length: groups }, (_, k) => {
    const middle = Math.floor(((k + 0.5) * train.count) / groups);
    const from = Math.max(0, Math.min(middle - batch / 2, train.count - batch));
    return order.subarray(from, from + batch);
  });
}

/** Examples whose features a head is fitted on to time it: few, and more. */
const HEAD_EXAMPLES = [64, 256] as const;

/** A fit on all training examples: a constant part and one that grows with the examples, from two that are timed. */
async function timeHead(backbone: Backbone, task: Task, options: TrainOptions, call: LongCall): Promise<number> {
  const { goal, train } = task;
  if (outputLevel(goal) === "embedding") return 0;
  const { threads, headL2 } = options;
  const { signal } = call;
  const classWeights = classWeightsOf(task, options.classWeights);
  const timeFit = async (most: number) => {
    // Spread over the split: its first examples may all be of one class.
    const count = Math.min(most, train.count);
    const indices = Uint32Array.from({ length: count }, (_, k) => Math.floor((k * train.count) / count));
    const features = await extractFeatures(backbone, goal, train, { indices, threads, classWeights, signal });
    const begun = performance.now();
    await fitHead(backbone.runtime, features, goal, { l2: headL2, threads, signal });
    return { count, seconds: (performance.now() - begun) / 1000 };
  };
  const [few, more] = [await timeFit(HEAD_EXAMPLES[0]), await timeFit(HEAD_EXAMPLES[1])];
  if (more.count === train.count) return more.seconds;
  const perExample = Math.max(0, more.seconds - few.seconds) / (more.count - few.count);
  return more.seconds + perExample * (train.count - more.count);
}

/** What a method trains as training starts it, and a head of zeros: the numbers do not change what a step costs. */
function allTensors(
  backbone: Backbone,
  { method }: TunedSpec,
  layout: ReturnType<typeof tunedLayout>,
  { seed }: TrainOptions,
) {
  const tensors = new Map(startTensors(backbone, method, seed));
  for (const { entries } of layout)
    for (const { name, shape, size } of entries)
      if (!tensors.has(name)) tensors.set(name, tensorOf("float32", shape, new Float32Array(size)));
  return tensors;
}
