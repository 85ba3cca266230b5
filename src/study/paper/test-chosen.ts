import type { Backbone } from "../../backbone/index.ts";
import type { LongCall } from "../../base/index.ts";
import { localRuns } from "../../comparison/index.ts";
import type { Task } from "../../tasks/index.ts";
import { hasEnded } from "../trial.ts";
import type { PaperStudy } from "./analyse.ts";
import { everyPlaceOf } from "./experiments.ts";
import { chosenDraw, type TestRun } from "./random.ts";

export interface TestChosenOptions extends LongCall {
  readonly seeds: number;
  /** A task as the study's trainings have it, with its test split. */
  readonly openTask: (task: string, seed: number) => Promise<Task>;
  /** Called after each training, before the next begins. */
  readonly onRun: (run: TestRun) => Promise<void>;
}

/** A training that is to meet the test split. */
export type TestJob = Pick<TestRun, "task" | "method" | "seed">;

/**
 * What is left to be tested: for each task that is whole, the draw that validation chose and an adapter at every place. A task whose
 * test split another choice has met is left alone, for good: it can be met once.
 */
export function testJobs(
  { settings, trials, tested = [] }: Omit<PaperStudy, "isComplete">,
  seeds: number,
): readonly TestJob[] {
  const all = everyPlaceOf(settings);
  return settings.tasks.flatMap((task) => {
    const draws = trials.filter((trial) => trial.task === task && trial.origin !== "baseline");
    const isWhole = draws.length >= (settings.trials ?? 1) && draws.every(hasEnded);
    const chosen = chosenDraw(trials, task);
    const met = tested.filter((run) => run.task === task);
    if (!isWhole || chosen === undefined || met.some(({ method }) => method !== chosen && method !== all)) return [];
    // Seeds that the choice has not seen: the trainings that won it are flattered by their luck.
    return Array.from({ length: seeds }, (_, k) =>
      [chosen, all].map((method) => ({ task, method, seed: settings.seeds + k })),
    )
      .flat()
      .filter((job) => !met.some((run) => run.method === job.method && run.seed === job.seed));
  });
}

/** Train each job and measure it on the test split. */
export async function testChosen(
  backbone: Backbone,
  study: Omit<PaperStudy, "isComplete">,
  { seeds, openTask, onRun, ...call }: TestChosenOptions,
): Promise<void> {
  const jobs = testJobs(study, seeds);
  for (const task of new Set(jobs.map((job) => job.task))) {
    const options = study.settings.training;
    const run = localRuns(backbone, (seed) => openTask(task, seed), { ...call, options });
    try {
      for (const { method, seed } of jobs.filter((job) => job.task === task)) {
        const done = await run({ method, seed, draw: 0, rateFactor: 1, isTrial: false });
        if (done.validation === undefined || done.test === undefined) continue; // its loss was no finite number
        const { validation, test, seconds } = done;
        await onRun({ task, method, seed, validation: validation.value, test: test.value, seconds });
      }
    } finally {
      await run.close();
    }
  }
}
