import { exportModel, measureLatency } from "../artifact/index.ts";
import type { Backbone } from "../backbone/index.ts";
import { GraftError, parseOptions } from "../base/index.ts";
import { type SearchRuntime, searchRuntime } from "../runtime/index.ts";
import { parseMethod, selectMethod } from "../selection/index.ts";
import type { ImageSplit, Split, Task } from "../tasks/index.ts";
import {
  evaluateFromShelf,
  type FrozenShelf,
  fitTaskHead,
  frozenShelf,
  type Head,
  TrainOptions,
  type TunedModel,
  train,
} from "../training/index.ts";
import { checkBackbone, checkData } from "./check-same.ts";
import type { RunResult } from "./trial.ts";
import type { RunCall, RunRequest } from "./workers/workers.ts";

/** How a platform opens models and data. */
export interface Openers {
  backbone(model: RunRequest["model"], onNote: (text: string) => void): Promise<Backbone>;
  task(name: string, options: TaskOptions & { readonly backbone: Backbone }): Promise<Task>;
}

export interface TaskOptions {
  readonly seed: number;
  readonly trainSize?: number;
  /** Of a generated task; undefined leaves the usual. */
  readonly validationSize?: number;
}

/** Generated tasks have as many validation images to choose an epoch; those that measure come on top. */
export const CHOOSING = 400;

/** A task as a study uses it: the examples that measure apart from those that choose an epoch, where there are any. */
export interface StudyTask {
  readonly task: Task;
  readonly measuring?: Split;
}

export async function openStudyTask(
  openers: Openers,
  backbone: Backbone,
  { task: name, seed, trainSize, measureSize }: Pick<RunRequest, "task" | "seed" | "trainSize" | "measureSize">,
): Promise<StudyTask> {
  const validationSize = measureSize === 0 ? undefined : CHOOSING + measureSize;
  const task = await openers.task(name, { backbone, seed, trainSize, validationSize });
  if (validationSize === undefined) return { task };
  if (task.validation.count !== validationSize || task.validation.kind !== "image")
    throw new GraftError("OPTIONS", {
      thing: "measureSize of the study",
      place: `task ${name} has ${task.validation.count} validation examples and no more`,
      remedy: "Leave it out: only generated tasks can make examples that measure",
    });
  const { validation } = task;
  return {
    task: { ...task, validation: part(validation, 0, CHOOSING) },
    measuring: part(validation, CHOOSING, validationSize),
  };
}

function part(split: ImageSplit, from: number, to: number): ImageSplit {
  const { targets, pixels } = split;
  if (targets.kind !== "classes") throw new TypeError(`a generated task's targets are ${targets.kind}`);
  return {
    kind: "image",
    count: to - from,
    targets: { kind: "classes", labels: targets.labels.slice(from, to) },
    pixels: (index) => pixels(from + index),
  };
}

/** Does runs one after another, keeping what they have in common: models, data, heads, sessions, frozen values. */
export interface Trainer {
  run(request: RunRequest, call: Pick<RunCall, "signal" | "onReport" | "onLog">): Promise<RunResult>;
  close(): Promise<void>;
}

interface Opened {
  readonly backbone: Backbone;
  readonly runtime: SearchRuntime;
  readonly shelf: FrozenShelf;
}

interface OpenedTask extends StudyTask {
  head?: Promise<Head>;
}

/** Of frozen values that a model keeps: those of every third state, 4 tasks, 2 seeds and 4 epochs of the embedded model are 5 GB. */
const SHELF_BYTES = 2 ** 33;

/** Models that stay open: a study has one, a worker of a queue meets a few. */
const MOST_MODELS = 2;

/** Tasks with a seed that stay open, with their heads. */
const MOST_TASKS = 16;

export interface TrainerOptions {
  /** Of every training whose settings name none. */
  readonly threads?: number;
  /** The most memory the process has held, bytes. */
  readonly memory?: () => number;
}

/** A trainer for this process. */
export function openTrainer(openers: Openers, { threads, memory }: TrainerOptions = {}): Trainer {
  const models = new Map<string, Promise<Opened>>();
  const tasks = new Map<string, Promise<OpenedTask>>();

  const openModel = async (request: RunRequest, onLog: (line: string) => void): Promise<Opened> => {
    const backbone = await openers.backbone(request.model, onLog);
    checkBackbone(backbone, request.model.model, request.backboneHash);
    return {
      backbone,
      runtime: searchRuntime(backbone.runtime),
      shelf: frozenShelf({ bytes: SHELF_BYTES, keepsEpochs: true }),
    };
  };
  const openTask = async (request: RunRequest, { backbone }: Opened): Promise<OpenedTask> => {
    const opened = await openStudyTask(openers, backbone, request);
    await checkData(opened.task, request.task, request.dataHash);
    return opened;
  };
  const closeModel = async (opened: Promise<Opened>) => {
    const model = await opened.catch(() => undefined);
    model?.shelf.close();
    await model?.runtime.close();
  };

  const forgetTask = async (task: Promise<OpenedTask>) => {
    const gone = await task.catch(() => undefined);
    const splits = gone ? [gone.task.train, gone.task.validation, gone.measuring ?? []].flat() : [];
    for (const model of models.values()) for (const split of splits) (await model).shelf.forget(split);
  };

  return {
    async run(request, { signal, onReport, onLog }) {
      signal.throwIfAborted();
      const { model, backboneHash, task: name, seed, trainSize, measureSize, candidate, training } = request;
      const opened = await kept(
        models,
        [model, backboneHash],
        MOST_MODELS,
        () => openModel(request, onLog),
        closeModel,
      );
      const { headL2, classWeights } = training;
      const about = [backboneHash, name, seed, trainSize, measureSize, request.dataHash, headL2, classWeights, threads];
      const open = await kept(tasks, about, MOST_TASKS, () => openTask(request, opened), forgetTask);
      const backbone = { ...opened.backbone, runtime: opened.runtime };
      const options = parseOptions(
        TrainOptions,
        { threads, ...training, seed, learningRate: candidate.learningRate },
        "training options",
      );
      const adapter = { initScale: candidate.initScale ?? 1 };
      const { method } = selectMethod(parseMethod(candidate.method), backbone, { adapter, seed });
      open.head ??= fitTaskHead(backbone, open.task, options).catch((error) => {
        open.head = undefined;
        throw error;
      });
      const head = await open.head;
      signal.throwIfAborted();
      const begun = performance.now();
      const { shelf } = opened;
      const trained = await train(backbone, open.task, method, {
        head,
        shelf,
        options,
        signal,
        onEpoch: ({ epoch, validation }) => onReport({ epoch, ...validation }),
      });
      const seconds = (performance.now() - begun) / 1000;
      const call = { threads: options.threads, signal };
      const { measuring } = open;
      const { validation, bestEpoch, trainableParameters } = trained;
      const measured = measuring ? await evaluateFromShelf(trained, measuring, { ...call, shelf }) : validation;
      return {
        validation,
        measured,
        bestEpoch,
        trainableParameters,
        seconds,
        peakMemoryBytes: memory?.(),
        ...(request.measuresLatency && { latency: await latencyOf({ ...trained, backbone: opened.backbone }, call) }),
      };
    },
    async close() {
      await Promise.all([...models.values()].map(closeModel));
      models.clear();
      tasks.clear();
    },
  };
}

async function latencyOf(model: TunedModel, call: { readonly threads?: number; readonly signal: AbortSignal }) {
  const { tunedMs, baseMs } = await measureLatency(model, { exported: exportModel(model), ...call });
  return { model: tunedMs, base: baseMs };
}

/** What was made for a key before, or is made now; the oldest of too many goes. A failure is forgotten. */
async function kept<T>(
  known: Map<string, Promise<T>>,
  key: readonly unknown[],
  most: number,
  make: () => Promise<T>,
  drop?: (value: Promise<T>) => Promise<void>,
): Promise<T> {
  const text = JSON.stringify(key);
  const value = known.get(text) ?? make();
  known.delete(text);
  known.set(text, value);
  for (const [old, other] of known) {
    if (known.size <= most) break;
    known.delete(old);
    await drop?.(other);
  }
  value.catch(() => known.delete(text));
  return value;
}
