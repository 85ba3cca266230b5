import { scoreEdges } from "../node.ts";
import { openStudyFile, queueWorkers } from "../study/index.node.ts";
import {
  plannedTrainings,
  runStudy,
  type StudyEnd,
  type StudyStorage,
  type Trial,
  type Workers,
} from "../study/index.ts";
import type { CommandContext } from "./define-command.ts";
import { localWorkers, openers } from "./study-openers.ts";

export interface RunStudyFileOptions {
  /** Processes, or runs that the queue holds; default what the study says, else one for each core, or 32. */
  readonly workers?: number;
  /** Where workers come to, instead of processes of this machine. */
  readonly queue?: string;
}

export interface StudyOutcome {
  readonly end: StudyEnd;
  readonly trials: readonly Trial[];
}

/** Run a study's file, or go on with it, saying each trial that ends. */
export async function runStudyFile(
  path: string,
  { workers: asked, queue }: RunStudyFileOptions,
  { signal, note, line, onProgress }: Pick<CommandContext<unknown>, "signal" | "note" | "line" | "onProgress">,
): Promise<StudyOutcome> {
  const storage = openStudyFile(path, { owner: true });
  let workers: Workers | undefined;
  try {
    note(describeRest(storage));
    workers =
      queue === undefined
        ? localWorkers(asked ?? storage.study.settings.workers)
        : await queueWorkers({ url: queue, slots: asked ?? storage.study.settings.workers, signal, note });
    const end = await runStudy(storage, workers, {
      signal,
      onProgress,
      workersOutlive: queue !== undefined,
      scores: (task) => scoresOf(storage, task, signal),
      onTrial(trial) {
        line("trial", trial);
        note(describeTrial(trial));
      },
    });
    return { end, trials: storage.trials() };
  } finally {
    await workers?.close();
    storage.close();
  }
}

/** Of the first seed's examples, as all methods of `graft train` are scored. */
async function scoresOf({ study }: StudyStorage, task: string, signal: AbortSignal) {
  const { model, dtype, trainSize } = study.settings;
  const backbone = await openers.backbone({ model, dtype }, () => {});
  return scoreEdges(backbone, await openers.task(task, { backbone, seed: 0, trainSize }), { seed: 0, signal });
}

function describeRest({ study, trials }: StudyStorage): string {
  const runs = trials().flatMap((trial) => trial.runs);
  const done = runs.filter(({ state }) => state === "complete").length;
  const planned = plannedTrainings(study);
  const seconds = runs.flatMap(({ result }) => (result ? [result.seconds] : []));
  const mean = seconds.reduce((sum, x) => sum + x, 0) / seconds.length;
  const each = seconds.length > 0 ? `, some ${mean.toFixed(0)} s each so far` : "";
  return `${study.name}: ${done} of ${planned ?? "?"} trainings are done${each}`;
}

function describeTrial({ task, number, candidate, origin, state, values, runs }: Trial): string {
  const { method, learningRate } = candidate;
  const what = `${task} ${number} (${origin}): ${method}${learningRate === undefined ? "" : `, learning rate ${learningRate}`}`;
  if (values) return `${what}: ${values.metric.toPrecision(4)}`;
  return `${what}: ${state}${runs.map(({ error }) => (error ? `, ${error}` : ""))[0] ?? ""}`;
}
