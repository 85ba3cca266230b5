import {
  AdapterOptions,
  type ClassifierSpec,
  checkPlacement,
  initialAdapters,
  type Placement,
} from "../adapters/index.ts";
import { type Backbone, traceBackbone } from "../backbone/index.ts";
import { breathe, GraftError, type LongCall, parseOptions } from "../base/index.ts";
import { packVectors, parameterCount, unpackVectors, type Vectors } from "../parameters/index.ts";
import type { HostTensor, Session } from "../runtime/index.ts";
import { epochOrder, type Task } from "../tasks/index.ts";
import {
  type Checkpoint,
  type CheckpointStore,
  decodeCheckpoint,
  type EpochRecord,
  encodeCheckpoint,
  type Fingerprint,
} from "./checkpoint.ts";
import { classifierForward, classifierStep } from "./classifier-step.ts";
import { type Classifier, type Evaluation, scoreLogits } from "./evaluate.ts";
import { extractFeatures } from "./features.ts";
import { fitHead, type Head } from "./fit-head.ts";
import { classifierFeeds, forwardRows } from "./image-batches.ts";
import { TrainOptions, type TrainSettings } from "./options.ts";
import { warmupCosine } from "./schedule.ts";
import { initialState, openStepper, type Stepper } from "./stepper.ts";

export interface TrainCall extends LongCall {
  readonly adapter?: AdapterOptions;
  readonly options?: TrainSettings;
  /** The head to start from; default: a linear head fitted on the plain backbone's features. */
  readonly head?: Head;
  /** Where to keep a checkpoint; without one the run cannot be resumed. */
  readonly checkpoint?: CheckpointStore;
  /** Go on from the stored checkpoint, if there is one; default false: start anew and replace it. */
  readonly resume?: boolean;
  /** Seconds between checkpoints, besides those after each epoch and on abort; default 15. */
  readonly checkpointSeconds?: number;
  readonly onEpoch?: (record: EpochRecord) => void;
}

/** Seconds between checkpoints within an epoch: what a kill may cost. */
export const DEFAULT_CHECKPOINT_SECONDS = 15;

/** A trained classifier and how it came about. */
export interface Trained extends Classifier {
  readonly history: readonly EpochRecord[];
  /** The epoch whose parameters were kept: best validation value, then lowest loss; 0 is the start. */
  readonly bestEpoch: number;
  readonly validation: Evaluation;
  readonly trainableParameters: number;
  /** Wall-clock seconds of training, interruptions left out. */
  readonly seconds: number;
}

/**
 * Train adapters on a placement, and a linear head, on a task; the backbone stays as it is. An empty placement trains
 * the head alone. After each epoch the parameters are validated and the best kept.
 *
 * The same arguments give the same bits on the same machine with the same thread count, interrupted or not: every
 * random choice is a function of the seed, the epoch and the example.
 *
 * @throws GraftError OPTIONS; LOSS_NOT_FINITE if a step's loss is no finite number (the checkpoint then holds the last
 *         good state), or the validation's; CHECKPOINT_MISMATCH; those of `checkPlacement`
 */
export async function train(
  backbone: Backbone,
  task: Task,
  placement: Placement,
  call: TrainCall = {},
): Promise<Trained> {
  const asked = parseOptions(TrainOptions, call.options ?? {}, "training options");
  // Places of a batch that no example fills cost time and change nothing.
  const options = { ...asked, batchSize: Math.min(asked.batchSize, task.train.count) };
  const adapter = parseOptions(AdapterOptions, call.adapter ?? {}, "adapter options");
  checkPlacement(placement, { states: backbone.states.length });
  const spec: ClassifierSpec = { placement, adapter, classes: task.classes };
  const traced = await traceBackbone(backbone, options.batchSize, call.signal);
  const stepGraph = classifierStep(backbone, traced, spec, options);
  const fingerprint = fingerprintOf(backbone, task, spec, options);
  const saved = call.resume ? await call.checkpoint?.load() : undefined;
  const start = saved
    ? decodeCheckpoint(stepGraph.layout, saved, fingerprint)
    : fromScratch(
        initialState(stepGraph, packVectors(stepGraph.layout, await startTensors(backbone, task, spec, options, call))),
      );

  const session = { ...(options.threads !== undefined && { threads: options.threads }) };
  const stepper = await openStepper(backbone.runtime, stepGraph, start.state, session);
  const forward = await backbone.runtime.open(classifierForward(backbone, spec, stepGraph.layout), session);
  const validate = (theta: Vectors) => validateWith(forward, backbone, task, stepGraph.layout, theta, call.signal);
  try {
    const run: Run = { ...call, backbone, task, options, stepper, validate, encode };
    const end = await runEpochs(run, start);
    const validation = end.bestEpoch === 0 ? await validate(end.best) : end.history[end.bestEpoch - 1]!.validation;
    checkFinite(validation.loss);
    return {
      backbone,
      spec,
      tensors: unpackVectors(stepGraph.layout, end.best),
      history: end.history,
      bestEpoch: end.bestEpoch,
      validation,
      trainableParameters: parameterCount(stepGraph.layout),
      seconds: end.seconds,
    };
  } finally {
    await stepper.release();
    await forward.release();
  }

  function encode(checkpoint: Checkpoint): Uint8Array {
    return encodeCheckpoint(stepGraph.layout, checkpoint, fingerprint);
  }
}

/** The last step's loss is that of the parameters before it: only the validation sees what it made of them. */
function checkFinite(loss: number): void {
  if (Number.isFinite(loss)) return;
  throw new GraftError("LOSS_NOT_FINITE", {
    thing: "the trained model",
    place: `its validation loss is ${loss}`,
    remedy: "Lower the learning rate, or clip the gradient's norm",
  });
}

interface Run extends TrainCall {
  readonly backbone: Backbone;
  readonly task: Task;
  readonly options: TrainOptions;
  readonly stepper: Stepper;
  readonly validate: (theta: Vectors) => Promise<Evaluation>;
  readonly encode: (checkpoint: Checkpoint) => Uint8Array;
}

/** The loop: one step, perhaps a checkpoint, at an epoch's end a validation. Returns what a checkpoint would hold. */
async function runEpochs(run: Run, start: Checkpoint): Promise<Checkpoint> {
  const {
    task,
    options,
    stepper,
    signal,
    onProgress,
    checkpoint,
    checkpointSeconds = DEFAULT_CHECKPOINT_SECONDS,
  } = run;
  const perEpoch = Math.ceil(task.train.count / options.batchSize);
  const total = perEpoch * options.epochs;
  const rateAt = (step: number) => options.learningRate * warmupCosine(step, total, Math.round(options.warmup * total));
  const begun = performance.now();
  let [savedAt, current] = [begun, start];
  const seconds = () => start.seconds + (performance.now() - begun) / 1000;
  const save = async () => {
    savedAt = performance.now();
    await checkpoint?.save(run.encode({ ...current, state: stepper.state(), seconds: seconds() }));
  };

  try {
    for (let step = start.state.step; ; step++) {
      // Here and not after the step: a run that stopped between the two closes its epoch when it is resumed.
      if (step === perEpoch * (current.history.length + 1)) {
        current = await closeEpoch(run, current, perEpoch, rateAt(step - 1));
        await save();
      } else if (performance.now() - savedAt > 1000 * checkpointSeconds) await save();
      await breathe(signal);
      if (step === total || exhausted(current, options.patience)) break;
      const { loss } = await stepper.step(feedsOf(run, step, perEpoch), rateAt(step));
      current = { ...current, lossSum: current.lossSum + loss };
      onProgress?.({ phase: "train", done: step + 1, total, unit: "steps", metrics: { loss } });
    }
  } catch (error) {
    // Abort and a bad loss alike leave the last good state behind.
    await save();
    throw error;
  }
  return { ...current, state: stepper.state(), seconds: seconds() };
}

async function closeEpoch(run: Run, current: Checkpoint, steps: number, rate: number): Promise<Checkpoint> {
  const { theta } = run.stepper.state();
  const epoch = current.history.length + 1;
  const validation = await run.validate(theta);
  const record: EpochRecord = { epoch, trainLoss: current.lossSum / steps, validation, learningRate: rate };
  run.onEpoch?.(record);
  const history = [...current.history, record];
  const previous = current.bestEpoch === 0 ? undefined : current.history[current.bestEpoch - 1]!.validation;
  return isBetter(validation, previous)
    ? { ...current, history, lossSum: 0, best: theta.map((vector) => vector.slice()), bestEpoch: epoch }
    : { ...current, history, lossSum: 0 };
}

const isBetter = (a: Evaluation, b: Evaluation | undefined) =>
  b === undefined || a.value > b.value || (a.value === b.value && a.loss < b.loss);

const exhausted = ({ history, bestEpoch }: Checkpoint, patience: number | undefined) =>
  patience !== undefined && history.length - bestEpoch >= patience;

function feedsOf({ backbone, task, options }: Run, step: number, perEpoch: number): Record<string, HostTensor> {
  const [epoch, position] = [Math.floor(step / perEpoch), step % perEpoch];
  const order = epochOrder(task.train.count, options.seed, epoch);
  return classifierFeeds({
    split: task.train,
    indices: order.subarray(position * options.batchSize, (position + 1) * options.batchSize),
    input: backbone.input,
    classes: task.classes.length,
    batchSize: options.batchSize,
    ...(options.augment && { augment: { ...task.augment, seed: options.seed, epoch } }),
  });
}

async function validateWith(
  session: Session,
  { input }: Backbone,
  { validation, classes }: Task,
  layout: ReturnType<typeof classifierStep>["layout"],
  theta: Vectors,
  signal: AbortSignal | undefined,
): Promise<Evaluation> {
  const vectors = Object.fromEntries(
    layout.map(({ name, size }, k) => [name, { dtype: "float32", shape: [size], data: theta[k]! } as const]),
  );
  const run = { input, output: "logits", width: classes.length, feeds: vectors, signal };
  const logits = await forwardRows(session, validation, run);
  return scoreLogits(logits, validation.labels, classes.length);
}

async function startTensors(
  backbone: Backbone,
  task: Task,
  spec: ClassifierSpec,
  options: TrainOptions,
  call: TrainCall,
) {
  const head = call.head ?? (await fitTaskHead(backbone, task, options, call));
  return new Map([...initialAdapters(spec.placement, backbone.hiddenSize, options.seed, spec.adapter), ...head]);
}

/** The linear head that training starts from: fitted on the plain backbone's features of the training split. */
export async function fitTaskHead(
  backbone: Backbone,
  task: Task,
  { headL2, threads }: Pick<TrainOptions, "headL2" | "threads">,
  call: LongCall = {},
): Promise<Head> {
  const limit = threads === undefined ? {} : { threads };
  const features = await extractFeatures(backbone, task.train, { ...call, ...limit });
  return fitHead(backbone.runtime, features, task.classes.length, {
    l2: headL2,
    ...limit,
    ...(call.signal && { signal: call.signal }),
  });
}

const fromScratch = (state: Checkpoint["state"]): Checkpoint => ({
  state,
  best: state.theta,
  bestEpoch: 0,
  history: [],
  lossSum: 0,
  seconds: 0,
});

function fingerprintOf(backbone: Backbone, task: Task, spec: ClassifierSpec, options: TrainOptions): Fingerprint {
  const sizes = [task.train, task.validation].map((split) => split.count);
  const { hash, pooling, input } = backbone;
  return { backbone: hash, pooling, input, task: task.name, sizes, ...spec, ...options };
}
