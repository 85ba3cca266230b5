import { mean } from "../base/index.ts";
import {
  entriesOf,
  hasEnded,
  importance,
  type Objective,
  paretoFront,
  type Run,
  type StudyRecord,
  type Trial,
} from "../study/index.ts";

/** A study as its page shows it: plain JSON, a task at a time. */
export interface StudyView {
  readonly name: string;
  readonly model: string;
  readonly states: number;
  /** Of the front: the study's; where that is the metric alone, parameters too. */
  readonly objectives: readonly Objective[];
  readonly tasks: readonly TaskView[];
}

export interface TaskView {
  readonly name: string;
  readonly metric: string;
  readonly trials: readonly TrialView[];
  /** What each setting explains of the metric, most first. */
  readonly importance: readonly { readonly factor: string; readonly share: number }[];
}

export interface TrialView {
  readonly number: number;
  readonly method: string;
  readonly origin: string;
  readonly state: Trial["state"];
  /** [from, to] of each adapter, where the placement is written out. */
  readonly edges: readonly (readonly [number, number])[];
  readonly rank?: number;
  readonly learningRate?: number;
  readonly initScale?: number;
  /** Means over its runs; while some are to be trained, over those that are done. */
  readonly metric?: number;
  readonly parameters?: number;
  /** Exported model against base; of a complete trial. */
  readonly latency?: number;
  /** Of all its runs together. */
  readonly seconds?: number;
  /** The most that any of its runs took. */
  readonly memoryBytes?: number;
  /** When its last run ended, in milliseconds since 1970. */
  readonly endedAt?: number;
  /** No other trial beats it in one objective without losing in another. */
  readonly isOnFront: boolean;
  readonly runs: readonly RunView[];
}

export interface RunView extends Pick<Run, "seed" | "state" | "attempts" | "worker" | "error" | "log"> {
  readonly measured?: number;
  /** The metric after each epoch, on the examples that choose the epoch. */
  readonly reports: readonly number[];
  readonly seconds?: number;
}

/** A study and its trials as a page shows them. Numbers that are none (NaN) are left out. */
export function studyView(study: StudyRecord, trials: readonly Trial[]): StudyView {
  const { tasks, model, objectives: wanted } = study.settings;
  const objectives: readonly Objective[] = wanted.length > 1 ? wanted : ["metric", "parameters"];
  return {
    name: study.name,
    model,
    states: study.backbone.states,
    objectives,
    tasks: tasks.map((task) => {
      const own = trials.filter((trial) => trial.task === task);
      const best = new Set(paretoFront(own, objectives));
      return {
        name: task,
        metric: study.metrics[task] ?? "metric",
        trials: own.map((trial) => trialView(trial, best.has(trial))),
        importance: importance(own, study.backbone).map(({ factor, share }) => ({ factor, share })),
      };
    }),
  };
}

function trialView({ candidate, values, runs, ...trial }: Trial, isOnFront: boolean): TrialView {
  const entries = entriesOf(candidate.method);
  const results = runs.flatMap(({ result }) => (result ? [result] : []));
  const isUnderWay = !hasEnded(trial) && results.length > 0;
  const soFar = isUnderWay ? mean(results.map(({ measured }) => measured.value)) : undefined;
  const memory = results.flatMap(({ peakMemoryBytes }) => peakMemoryBytes ?? []);
  const ends = runs.flatMap(({ endedAt }) => endedAt ?? []);
  const ranks = entries.flatMap(({ rank }) => rank ?? []);
  return {
    number: trial.number,
    method: candidate.method,
    origin: trial.origin,
    state: trial.state,
    edges: entries.map(({ from, to }) => [from, to] as const),
    rank: ranks.length > 0 ? mean(ranks) : undefined,
    learningRate: candidate.learningRate,
    initScale: candidate.initScale,
    metric: finite(values?.metric ?? soFar),
    parameters: values?.parameters ?? results[0]?.trainableParameters,
    latency: finite(values?.latency),
    seconds: results.length > 0 ? results.reduce((sum, { seconds }) => sum + seconds, 0) : undefined,
    memoryBytes: memory.length > 0 ? Math.max(...memory) : undefined,
    endedAt: ends.length > 0 ? Math.max(...ends) : undefined,
    isOnFront,
    runs: runs.map(({ seed, state, attempts, worker, error, log, reports, result }) => ({
      seed,
      state,
      attempts,
      worker,
      error,
      log,
      measured: finite(result?.measured.value),
      reports: reports.map(({ value }) => value).filter(Number.isFinite),
      seconds: result?.seconds,
    })),
  };
}

const finite = (value: number | undefined): number | undefined =>
  value !== undefined && Number.isFinite(value) ? value : undefined;
