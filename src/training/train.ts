import type { AdapterOptions, Placement } from "../adapters/index.ts";
import type { Backbone } from "../backbone/index.ts";
import { GraftError, type LongCall, parseOptions } from "../base/index.ts";
import { learningRateOf, type Method, methodOf, type TunedSpec } from "../methods/index.ts";
import type { Evaluation } from "../objective/index.ts";
import { type ParameterLayout, packVectors, parameterCount, unpackVectors } from "../parameters/index.ts";
import { atPrecision, type BackbonePrecision, type FrozenProducts } from "../precision/index.ts";
import type { Task } from "../tasks/index.ts";
import { initialState } from "./adamw.ts";
import {
  type Checkpoint,
  type CheckpointStore,
  decodeCheckpoint,
  type EpochRecord,
  encodeCheckpoint,
  type Fingerprint,
} from "./checkpoint.ts";
import { dataStart } from "./data-start.ts";
import type { TunedModel } from "./evaluate.ts";
import type { Head } from "./fit-head.ts";
import { fitTaskHead } from "./fit-task-head.ts";
import type { FrozenShelf } from "./frozen-shelf.ts";
import { type OpenForward, openForward } from "./open-forward.ts";
import { chunksOf, openSteps } from "./open-steps.ts";
import { TrainOptions, type TrainSettings } from "./options.ts";
import { planTraining } from "./plan.ts";
import { precisionOf } from "./precision-of.ts";
import { runEpochs } from "./run-epochs.ts";
import { tunedLayout } from "./tuned-step.ts";

export interface TrainCall extends LongCall {
  /** Settings of the adapters where a placement is given. */
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
  /** Where a search keeps frozen values from training to training; default: each computes its own. */
  readonly shelf?: FrozenShelf;
  readonly onEpoch?: (record: EpochRecord) => void;
  /** Told where memory and disk have no room for frozen values. */
  readonly onNote?: (text: string) => void;
}

/** A trained model and how it came about. */
export interface Trained extends TunedModel {
  readonly history: readonly EpochRecord[];
  /** The epoch whose parameters were kept: best validation value, then lowest loss; 0 is the start. */
  readonly bestEpoch: number;
  readonly validation: Evaluation;
  readonly trainableParameters: number;
  /** How products with frozen weights were computed. */
  readonly backbonePrecision: BackbonePrecision;
  /** With `int8`: products with frozen weights of a forward pass that were, and those that were not. */
  readonly int8Products?: FrozenProducts;
  /** Wall-clock seconds of training, interruptions left out. */
  readonly seconds: number;
}

/**
 * Train what a method says, and a linear head, on a task; the rest of the backbone stays as it is. A placement stands for
 * adapters on it, an empty one trains the head alone. After each epoch the parameters are validated and the best kept.
 *
 * The same arguments give the same bits on the same machine with the same thread count, interrupted or not: every
 * random choice is a function of the seed, the epoch and the example. (Where memory and disk have no room for frozen values
 * they are computed in the step, which rounds otherwise.)
 *
 * @throws GraftError OPTIONS; LOSS_NOT_FINITE if a step's loss is no finite number (the checkpoint then holds the last
 *         good state), or the validation's; CHECKPOINT_MISMATCH; those of `methodOf`
 */
export async function train(
  backbone: Backbone,
  task: Task,
  what: Placement | Method,
  call: TrainCall = {},
): Promise<Trained> {
  const asked = parseOptions(TrainOptions, call.options ?? {}, "training options");
  const spec: TunedSpec = { method: methodOf(backbone, what, call.adapter), goal: task.goal };
  const options = {
    ...asked,
    // Places of a batch that no example fills cost time and change nothing.
    batchSize: Math.min(asked.batchSize, task.train.count),
    learningRate: asked.learningRate ?? learningRateOf(spec.method, backbone),
    backbonePrecision: await precisionOf(backbone, spec.method, asked),
  };
  const batch = chunksOf(task, options) * options.batchSize;
  const plan = planTraining(task.train, backbone.input, batch, options.seed);
  const layout = tunedLayout(backbone, spec, options);
  const fingerprint = fingerprintOf(backbone, task, spec, options);
  const saved = call.resume ? await call.checkpoint?.load() : undefined;
  const head = saved ? undefined : (call.head ?? (await fitTaskHead(backbone, task, options, call)));

  const { threads } = options;
  const begun = performance.now();
  const start = saved
    ? decodeCheckpoint(layout, saved, fingerprint)
    : await fromScratch(backbone, task, spec, layout, options, head!, call);
  const lower = await atPrecision(backbone, options.backbonePrecision);
  const steps = await openSteps(lower.backbone, task, spec, options, plan, layout, start.state, call);
  let forward: OpenForward | undefined;
  try {
    const { signal, onProgress, shelf, onNote } = call;
    const kept = { threads, signal, onProgress, shelf, onNote, precision: options.backbonePrecision };
    const names = steps.frozen?.names ?? [];
    forward = await openForward(lower.backbone, task.validation, spec, layout, names, kept);
    const { evaluate: validate } = forward;
    const seconds = start.seconds + (performance.now() - begun) / 1000;
    const end = await runEpochs({ ...call, ...steps, options, plan, validate, encode }, { ...start, seconds });
    const validation = end.bestEpoch === 0 ? await validate(end.best) : end.history[end.bestEpoch - 1]!.validation;
    checkFinite(validation.loss);
    return {
      backbone,
      spec,
      tensors: unpackVectors(layout, end.best),
      history: end.history,
      bestEpoch: end.bestEpoch,
      validation,
      trainableParameters: parameterCount(layout),
      backbonePrecision: options.backbonePrecision,
      int8Products: lower.products,
      seconds: end.seconds,
    };
  } finally {
    try {
      await forward?.release();
    } finally {
      await steps.release();
    }
  }

  function encode(checkpoint: Checkpoint): Uint8Array {
    return encodeCheckpoint(layout, checkpoint, fingerprint);
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

async function fromScratch(
  backbone: Backbone,
  task: Task,
  spec: TunedSpec,
  layout: ParameterLayout,
  options: TrainOptions,
  head: Head,
  call: TrainCall,
): Promise<Checkpoint> {
  const tensors = await dataStart(backbone, task, spec, options, head, call);
  const state = initialState({ layout }, packVectors(layout, new Map([...tensors, ...head])));
  return {
    state,
    // The arrays of the state become the steps', and are written to.
    best: state.theta.map((vector) => vector.slice()),
    bestEpoch: 0,
    history: [],
    lossSum: 0,
    seconds: 0,
  };
}

function fingerprintOf(backbone: Backbone, task: Task, { method }: TunedSpec, options: TrainOptions): Fingerprint {
  const sizes = [task.train, task.validation].map((split) => split.count);
  const { hash, pooling, input } = backbone;
  return { backbone: hash, pooling, input, task: task.name, sizes, goal: task.goal, ...method, ...options };
}
