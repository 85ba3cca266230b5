import type { Backbone } from "../backbone/index.ts";
import type { LongCall } from "../base/index.ts";
import { type Scores, scoreEdges } from "../scoring/index.ts";
import type { Task } from "../tasks/index.ts";
import { fitTaskHead, type Head, TrainOptions } from "../training/index.ts";
import { type Job, type RunCall, type RunSettings, type RunWithModel, runMethod } from "./method-run.ts";

export interface LocalRunsOptions extends RunSettings, LongCall, Pick<RunCall, "memory"> {
  /** Scores that are there already, instead of scoring. */
  readonly scores?: Scores;
}

/**
 * Runs in this process, one after another. What those of a seed have in common is computed once: the task, the head that
 * training starts from, the scores.
 * @param openTask  the task with a seed's examples
 */
export function localRuns(
  backbone: Backbone,
  openTask: (seed: number) => Task | Promise<Task>,
  options: LocalRunsOptions = {},
): (job: Job) => Promise<RunWithModel> {
  const { signal, onProgress } = options;
  const tasks = new Map<number, Promise<Task>>();
  const heads = new Map<number, Promise<{ readonly head: Head; readonly seconds: number }>>();
  const scores = new Map<number, Promise<Scores>>();
  return async (job) => {
    const { seed } = job;
    const settings = TrainOptions.parse({ ...options.options, seed });
    const { threads } = settings;
    const task = await once(tasks, seed, async () => openTask(seed));
    return runMethod(backbone, task, job, {
      ...options,
      head: () =>
        once(heads, seed, async () => {
          const begun = performance.now();
          const head = await fitTaskHead(backbone, task, settings, { signal, onProgress });
          return { head, seconds: (performance.now() - begun) / 1000 };
        }),
      scores: async () =>
        options.scores ?? once(scores, seed, () => scoreEdges(backbone, task, { seed, threads, signal, onProgress })),
    });
  };
}

function once<Value>(known: Map<number, Promise<Value>>, seed: number, make: () => Promise<Value>): Promise<Value> {
  const value = known.get(seed) ?? make();
  known.set(seed, value);
  return value;
}
