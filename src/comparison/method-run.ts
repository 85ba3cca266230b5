import type { AdapterOptions } from "../adapters/index.ts";
import { exportModel, type Latency, measureLatency } from "../artifact/index.ts";
import type { Backbone } from "../backbone/index.ts";
import { GraftError, type LongCall, type Progress, parseOptions } from "../base/index.ts";
import { encodeModel } from "../graph/index.ts";
import { describeMethod, HEAD_ALONE, learningRateOf, type Method } from "../methods/index.ts";
import { type Evaluation, evaluateOutputs, exampleScores } from "../objective/index.ts";
import type { Scores } from "../scoring/index.ts";
import { chooseMethod, parseMethod } from "../selection/index.ts";
import type { Task } from "../tasks/index.ts";
import {
  evaluate,
  type FrozenShelf,
  type Head,
  outputsOf,
  type Trained,
  TrainOptions,
  type TrainSettings,
  type TunedModel,
  train,
} from "../training/index.ts";
import { measureNeighbours } from "./measure-base.ts";

/** The name of the method that trains nothing: nearest neighbours on the frozen features. */
export const NEIGHBOURS = "knn";

/** One training of a comparison, still to be done. */
export interface Job {
  /** As it is written: `lora:q,v@r8`, `gga:3`, `knn`. */
  readonly method: string;
  /** Of the data, the start and the order of the examples. */
  readonly seed: number;
  /** Which of several draws of random edges; 0 for other methods. */
  readonly draw: number;
  /** Learning rate as a multiple of the method's own. */
  readonly rateFactor: number;
  /** A trial chooses a learning rate: it is measured on validation alone. */
  readonly isTrial: boolean;
}

/** A job that is done. */
export interface MethodRun extends Job {
  /** What was trained in a few words, of adapters their placement. */
  readonly description: string;
  /** Undefined where nothing is trained by steps. */
  readonly learningRate?: number;
  /** How training computed products with frozen weights; undefined where nothing is trained by steps. */
  readonly backbonePrecision?: Trained["backbonePrecision"];
  /** What was decided for memory (`RunCall.fit`): examples computed at once, values computed again. */
  readonly microBatch?: number;
  readonly recompute?: TrainOptions["recompute"];
  /** Undefined where training failed. */
  readonly validation?: Evaluation;
  /** Met once, by the parameters that validation chose; undefined for trials. */
  readonly test?: Evaluation;
  /** Of each test example, where their mean is the metric and they were asked for. */
  readonly testScores?: readonly number[];
  readonly trainableParameters: number;
  /** Fit of the head, choosing edges where that takes scores or trainings, and training. */
  readonly seconds: number;
  /** Most resident memory meanwhile, bytes, where it was measured. */
  readonly peakMemoryBytes?: number;
  /** Of the exported model; undefined for trials, and for neighbours, which have none. */
  readonly fileBytes?: number;
  readonly latency?: Latency;
  /** Why training failed: the loss was no finite number. */
  readonly failure?: string;
}

/** What every run of a comparison has in common. */
export interface RunSettings {
  readonly adapter?: AdapterOptions;
  /** Rank of adapters whose method names none; default 8. */
  readonly rank?: number;
  /** Training settings; a learning rate is the adapters', and other methods keep their ratio to it. */
  readonly options?: Omit<TrainSettings, "seed">;
  /** Keep the score of every test example: for an interval from one seed. */
  readonly keepsExamples?: boolean;
  /** Export each model, and measure its size and latency. */
  readonly measuresExport?: boolean;
}

export interface RunCall extends RunSettings, LongCall {
  /** The head that training starts from, and how long its fit took. */
  readonly head: () => Promise<{ readonly head: Head; readonly seconds: number }>;
  /** Asked for only where a method needs them. */
  readonly scores: () => Promise<Scores>;
  /** Where runs leave frozen values for each other. */
  readonly shelf?: FrozenShelf;
  /** Resident memory of the process, or the most so far, in bytes. */
  readonly memory?: () => number;
  /** Suits the settings of a training to the memory there is; default: they stay as they are. */
  readonly fit?: (task: Task, method: Method, options: TrainOptions) => Promise<TrainOptions>;
}

/** A run and its model; nearest neighbours and runs that failed have none. */
export type RunWithModel = MethodRun & { readonly model?: TunedModel };

/**
 * Train one method on one task with one seed, and measure it. A loss that is no finite number makes a run that failed.
 * @throws GraftError of `parseMethod`, `chooseMethod`, `train` and `evaluate`; METHOD_UNSUITED
 */
export async function runMethod(backbone: Backbone, task: Task, job: Job, call: RunCall): Promise<RunWithModel> {
  const { method: text, seed, isTrial, rateFactor } = job;
  const settings = parseOptions(TrainOptions, { ...call.options, seed }, "training options");
  const { threads } = settings;
  const peak = peakOf(call.memory);
  const progress: LongCall = {
    signal: call.signal,
    onProgress: (report: Progress) => {
      peak.sample();
      call.onProgress?.(report);
    },
  };
  if (text === NEIGHBOURS) {
    const { validation, test, k, testOutputs, seconds } = await measureNeighbours(backbone, task, settings, progress);
    const description = `${k} nearest ${k === 1 ? "neighbour" : "neighbours"} by cosine`;
    const testScores = call.keepsExamples ? exampleScores(task.goal, task.test, testOutputs) : undefined;
    const measured = { validation, test, testScores, trainableParameters: 0, seconds };
    return { ...job, ...measured, description, peakMemoryBytes: peak.value() };
  }

  const { method, seconds: choosingSeconds } = await methodFor(backbone, task, job, { ...call, ...progress });
  const { head, seconds: headSeconds } = await call.head();
  const isHeadAlone = method.kind === "adapters" && method.placement.length === 0;
  const learningRate = isHeadAlone ? undefined : rateOf(method, backbone, call.options?.learningRate) * rateFactor;
  const asked = { ...settings, learningRate };
  const options = isHeadAlone || !call.fit ? asked : await call.fit(task, method, asked);
  const about = { ...job, description: describeMethod(method), learningRate, ...decided(asked, options) };
  const sofar = headSeconds + choosingSeconds;
  const trained = isHeadAlone
    ? await headAlone(backbone, task, head, settings, progress)
    : await train(backbone, task, method, {
        ...progress,
        head,
        shelf: call.shelf,
        options,
      }).catch(failed);
  if ("failure" in trained)
    return { ...about, ...trained, trainableParameters: 0, seconds: sofar, peakMemoryBytes: peak.value() };

  const outputs = isTrial ? undefined : await outputsOf(trained, task.test, { ...progress, threads });
  const peakMemoryBytes = peak.value();
  const parameters = [...trained.tensors.values()].reduce((sum, { bytes }) => sum + bytes.byteLength / 4, 0);
  return {
    ...about,
    backbonePrecision: "backbonePrecision" in trained ? trained.backbonePrecision : undefined,
    validation: trained.validation,
    test: outputs && evaluateOutputs(task.goal, task.test, outputs),
    testScores: outputs && call.keepsExamples ? exampleScores(task.goal, task.test, outputs) : undefined,
    trainableParameters: parameters,
    seconds: trained.seconds + sofar,
    peakMemoryBytes,
    ...(!isTrial && call.measuresExport && (await exported(trained, threads, call))),
    model: trained,
  };
}

/** What differs from what was asked for. */
const decided = (asked: TrainOptions, { microBatch, recompute }: TrainOptions): Partial<MethodRun> => ({
  ...(microBatch !== asked.microBatch && { microBatch }),
  ...(recompute !== asked.recompute && { recompute }),
});

/** The learning rate that trials are around: a rate that was asked for is the adapters', and others' go with it. */
function rateOf(method: Method, backbone: Backbone, asked: number | undefined): number {
  const own = learningRateOf(method, backbone);
  return asked === undefined ? own : (asked * own) / learningRateOf(HEAD_ALONE, backbone);
}

/** A method as chosen for a seed: what trains to choose does so anew for every one, with the settings of its training. */
async function methodFor(backbone: Backbone, task: Task, { method, seed, draw }: Job, call: RunCall & LongCall) {
  const { adapter, rank, options, signal, onProgress } = call;
  // A draw of its own for every seed and repetition; ties are drawn as everywhere else.
  const drawSeed = isDrawn(method) ? 1000 * seed + draw : seed;
  return chooseMethod(method, backbone, task, {
    ...{ adapter, signal, onProgress },
    seed: drawSeed,
    defaultRank: rank,
    scores: call.scores,
    head: async () => (await call.head()).head,
    options: { ...options, seed },
  });
}

/** Whether a method is other edges with every draw. */
export function isDrawn(text: string): boolean {
  if (text === NEIGHBOURS) return false;
  const spec = parseMethod(text);
  return (
    "place" in spec && "selector" in spec.place && spec.place.selector === "random" && spec.place.seed === undefined
  );
}

async function headAlone(backbone: Backbone, task: Task, head: Head, { threads }: TrainOptions, call: LongCall) {
  const model: TunedModel = { backbone, spec: { method: HEAD_ALONE, goal: task.goal }, tensors: head };
  return { ...model, validation: await evaluate(model, task.validation, { ...call, threads }), seconds: 0 };
}

function failed(error: unknown): { readonly failure: string } {
  if (error instanceof GraftError && error.code === "LOSS_NOT_FINITE")
    return { failure: `${error.thing}: ${error.place}` };
  throw error;
}

async function exported(model: TunedModel, threads: number | undefined, { signal }: LongCall) {
  const graph = exportModel(model);
  return {
    fileBytes: encodeModel(graph).bytes.byteLength,
    latency: await measureLatency(model, { exported: graph, threads, signal }),
  };
}

function peakOf(memory: (() => number) | undefined) {
  let peak = memory?.();
  return {
    sample() {
      if (memory) peak = Math.max(peak ?? 0, memory());
    },
    value() {
      this.sample();
      return peak;
    },
  };
}
