import type { RunKey, Trial } from "../trial.ts";

/** One way to end trials that will not be the best. Adding one: a file with this shape and a line in `pruners.ts`. */
export interface Pruner {
  readonly name: string;
  readonly summary: string;
  readonly source: string;
  /** Asked after each report of a run. */
  shouldPrune(request: PrunerRequest): boolean;
}

export interface PrunerRequest {
  /** The run that has just reported; its trial is among `trials`. */
  readonly run: RunKey;
  /** The task's trials, baselines left out. */
  readonly trials: readonly Trial[];
  /** Epochs of a whole run, and runs of a whole trial. */
  readonly epochs: number;
  readonly seeds: number;
}
