import { mean, roughDuration } from "../base/index.ts";
import { scoreEdges } from "../node.ts";
import { openStudyFile, queueWorkers } from "../study/index.node.ts";
import {
  hasEnded,
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
    workers =
      queue === undefined
        ? localWorkers(asked ?? storage.study.settings.workers)
        : await queueWorkers({ url: queue, slots: asked ?? storage.study.settings.workers, signal, note });
    note(describeRest(storage, queue === undefined ? workers.slots : undefined));
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

/** Trainings done and left, and about how long those will take; nobody knows how many workers come to a queue. */
function describeRest({ study, trials }: StudyStorage, slots: number | undefined): string {
  const ended = trials().flatMap(({ runs }) => runs.filter(hasEnded));
  const seconds = ended.flatMap(({ result }) => (result ? [result.seconds] : []));
  const planned = plannedTrainings(study);
  const each = seconds.length > 0 ? mean(seconds) : study.secondsEach;
  const head = `${study.name}: ${ended.length} of ${planned ?? "?"} trainings are done`;
  if (each === undefined || planned === undefined) return head;
  const left = planned - ended.length;
  if (left <= 0) return head;
  const rest = `${head}; the rest, some ${roughDuration(each)} each, takes about`;
  if (slots === undefined) return `${rest} ${roughDuration(left * each)} divided by the trainings at once`;
  return `${rest} ${roughDuration((left * each) / Math.min(slots, left))} with ${slots} at once`;
}

function describeTrial({ task, number, candidate, origin, state, values, runs }: Trial): string {
  const { method, learningRate } = candidate;
  const what = `${task} ${number} (${origin}): ${method}${learningRate === undefined ? "" : `, learning rate ${learningRate}`}`;
  if (values) return `${what}: ${values.metric.toPrecision(4)}`;
  return `${what}: ${state}${runs.flatMap(({ error }) => (error ? [`, ${error}`] : []))[0] ?? ""}`;
}
