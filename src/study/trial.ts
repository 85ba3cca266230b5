import type { Evaluation } from "../objective/index.ts";

/** What a trial tries: one point of the space, or a baseline. */
export interface Candidate {
  /** In the `--method` language, whole: `20-3@r32,4-5@r32`, `lora:q,v@r8`. */
  readonly method: string;
  /** Undefined: the method's own. */
  readonly learningRate?: number;
  readonly initScale?: number;
}

export type TrialState = "waiting" | "running" | "complete" | "pruned" | "failed";

/** Whether nothing more will come of a run or a trial. */
export const hasEnded = ({ state }: { readonly state: TrialState }): boolean =>
  state !== "waiting" && state !== "running";

/** One training of a trial. A job for workers is a run: it is known by task, trial number and seed. */
export interface RunKey {
  readonly task: string;
  readonly trial: number;
  readonly seed: number;
}

/** What a worker says during a run, after each epoch. */
export interface RunReport extends Evaluation {
  /** From 1. */
  readonly epoch: number;
}

/** What a worker gives back. Plain JSON. */
export interface RunResult {
  /** By the examples that chose the epoch. */
  readonly validation: Evaluation;
  /** By the examples that measure (`measureSize`); else those that chose the epoch. The test split is never met. */
  readonly measured: Evaluation;
  readonly bestEpoch: number;
  readonly trainableParameters: number;
  /** Of the training, by the clock. */
  readonly seconds: number;
  readonly peakMemoryBytes?: number;
  /** Milliseconds of the exported model and of the base at batch 1, where `latency` is an objective. */
  readonly latency?: { readonly model: number; readonly base: number };
}

export interface Run extends RunKey {
  readonly state: TrialState;
  /** How often it was begun. */
  readonly attempts: number;
  readonly reports: readonly RunReport[];
  readonly result?: RunResult;
  /** Which worker has or had it. */
  readonly worker?: string;
  readonly error?: string;
  /** What the run had to say: notes and warnings, a line each. */
  readonly log: readonly string[];
  /** Milliseconds since 1970. */
  readonly startedAt?: number;
  readonly endedAt?: number;
}

/** What a complete trial came to: means over its runs. */
export interface TrialValues {
  /** Higher is better. */
  readonly metric: number;
  readonly parameters: number;
  /** Exported model against base; 1 is as fast. */
  readonly latency?: number;
}

export interface Trial {
  readonly task: string;
  /** From 0, within its task; baselines come first. */
  readonly number: number;
  readonly candidate: Candidate;
  /** Which sampler drew it, or `baseline`. */
  readonly origin: string;
  readonly state: TrialState;
  /** One a seed, in order. */
  readonly runs: readonly Run[];
  /** Of a complete trial. */
  readonly values?: TrialValues;
}
