import * as z from "zod";
import { median } from "../../base/index.ts";
import type { PrunerKind } from "./pruner.ts";
import { bestBy, runOf } from "./reached.ts";

const options = z.strictObject({
  startup: z.int().min(1).default(5).describe("other trials that must have come so far"),
  warmup: z.int().min(0).default(1).describe("first epochs of each run, in which nothing is ended"),
});

/** Ends a run whose best value so far is below the median of the other trials' at that epoch of the same seed. */
export const medianPruner: PrunerKind<typeof options> = {
  summary: "ends what is worse than the median of the other trials at the same epoch",
  source: "the median rule of Vizier, Golovin et al. 2017, as Optuna has it",
  options,
  shouldPrune({ run, trials, epochs, seeds }, { startup, warmup }) {
    const trial = trials.find(({ number }) => number === run.trial);
    const epoch = runOf(trial, run.seed)?.reports.at(-1)?.epoch ?? 0;
    const own = trial && bestBy(trial, run.seed, epoch);
    const isOver = epoch >= epochs && run.seed === seeds - 1; // a trial that is done costs nothing more
    if (own === undefined || epoch <= warmup || isOver) return false;
    const others = trials
      .filter((other) => other !== trial)
      .map((other) => bestBy(other, run.seed, epoch))
      .filter((value) => value !== undefined);
    return others.length >= startup && own < median(others);
  },
};
