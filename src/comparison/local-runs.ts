import type { Backbone } from "../backbone/index.ts";
import type { LongCall } from "../base/index.ts";
import { searchRuntime } from "../runtime/index.ts";
import { type Scores, scoreEdges } from "../scoring/index.ts";
import type { Task } from "../tasks/index.ts";
import { fitTaskHead, frozenShelf, type Head, TrainOptions } from "../training/index.ts";
import { type Job, type RunCall, type RunSettings, type RunWithModel, runMethod } from "./method-run.ts";

export interface LocalRunsOptions extends RunSettings, LongCall, Pick<RunCall, "memory" | "fit"> {
  /** Scores that are there already, instead of scoring. */
  readonly scores?: Scores;
}

/** Does a job; `close` lets go of what is kept for the next ones. */
export type LocalRuns = ((job: Job) => Promise<RunWithModel>) & { close(): Promise<void> };

/**
 * Runs in this process, one after another. What those of a seed have in common is computed once: the task, the head that
 * training starts from, the scores; what those of a method have in common, its sessions (but for their data they are the same)
 * and what it does not change of the examples.
 * @param openTask  the task with a seed's examples
 */
export function localRuns(
  backbone: Backbone,
  openTask: (seed: number) => Task | Promise<Task>,
  options: LocalRunsOptions = {},
): LocalRuns {
  const { signal, onProgress } = options;
  const search = searchRuntime(backbone.runtime);
  const shelf = frozenShelf();
  const searched = { ...backbone, runtime: search };
  const tasks = new Map<number, Promise<Task>>();
  const heads = new Map<number, Promise<{ readonly head: Head; readonly seconds: number }>>();
  const scores = new Map<number, Promise<Scores>>();
  const run = async (job: Job): Promise<RunWithModel> => {
    const { seed } = job;
    const settings = TrainOptions.parse({ ...options.options, seed });
    const { threads } = settings;
    const task = await once(tasks, seed, async () => openTask(seed));
    const done = await runMethod(searched, task, job, {
      ...options,
      shelf,
      head: () =>
        once(heads, seed, async () => {
          const begun = performance.now();
          const head = await fitTaskHead(searched, task, settings, { signal, onProgress });
          return { head, seconds: (performance.now() - begun) / 1000 };
        }),
      scores: async () =>
        options.scores ?? once(scores, seed, () => scoreEdges(searched, task, { seed, threads, signal, onProgress })),
    });
    return { ...done, model: done.model && { ...done.model, backbone } };
  };
  const close = async () => {
    shelf.close();
    await search.close();
  };
  return Object.assign(run, { close });
}

function once<Value>(known: Map<number, Promise<Value>>, seed: number, make: () => Promise<Value>): Promise<Value> {
  const value = known.get(seed) ?? make();
  known.set(seed, value);
  return value;
}
