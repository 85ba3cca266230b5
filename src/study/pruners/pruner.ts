import type * as z from "zod";
import type { RunKey, Trial } from "../trial.ts";

/** One way to end trials that will not be the best. Adding one: a file with this shape and a line in `pruners.ts`. */
export interface PrunerKind<Options extends z.ZodObject = z.ZodObject> {
  readonly summary: string;
  readonly source: string;
  /** What may stand beside its name in `pruner: { name: …, … }`. */
  readonly options: Options;
  /** Asked after each report of a run. Does not depend on anything but its arguments. */
  shouldPrune(request: PrunerRequest, options: z.output<Options>): boolean;
}

/** A kind of pruner with its options: what the owner of a study asks. */
export interface Pruner {
  readonly name: string;
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
