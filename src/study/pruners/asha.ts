import * as z from "zod";
import { mean } from "../../base/index.ts";
import type { Trial } from "../trial.ts";
import type { PrunerKind, PrunerRequest } from "./pruner.ts";
import { bestBy, runOf } from "./reached.ts";

export const halvingOptions = z.strictObject({
  minEpochs: z.int().min(1).default(1).describe("epochs until the first rung"),
  reduction: z
    .int()
    .min(2)
    .default(3)
    .describe("one of so many goes on at a rung, and the next is so many times as far"),
});

/**
 * Asynchronous successive halving in the form that stops (and never pauses): at a rung a trial goes on if it is among the
 * best 1/reduction of those that have come so far; until there are `reduction` of them, all go on. Rungs lie at minEpochs,
 * minEpochs · reduction, … of the first run, then at the ends of runs of further seeds, where the mean over seeds counts.
 */
export const ashaPruner: PrunerKind<typeof halvingOptions> = {
  summary: "successive halving: at each rung only the best third goes on; first over epochs, then over seeds",
  source: "ASHA, Li et al. 2020, arXiv 1810.05934; Jamieson and Talwalkar 2016",
  options: halvingOptions,
  shouldPrune: (request, { minEpochs, reduction }) => isEndedAtRung(request, request.trials, minEpochs, reduction),
};

/** @param among  the trials that compete at the rungs; the reporting one is among them */
export function isEndedAtRung(
  { run, trials, epochs, seeds }: PrunerRequest,
  among: readonly Trial[],
  firstRung: number,
  reduction: number,
): boolean {
  const trial = trials.find(({ number }) => number === run.trial);
  const epoch = runOf(trial, run.seed)?.reports.at(-1)?.epoch;
  const rung = rungsOf(firstRung, reduction, epochs, seeds).find((at) => at.seed === run.seed && at.epoch === epoch);
  const own = rung && trial && valueAt(trial, rung);
  if (own === undefined) return false;
  const values = among.map((other) => valueAt(other, rung!)).filter((value) => value !== undefined);
  const places = Math.floor(values.length / reduction);
  return places > 0 && values.filter((value) => value > own).length >= places;
}

interface Rung {
  /** The last run that counts. */
  readonly seed: number;
  readonly epoch: number;
}

/** Where trials are compared: after r epochs of all their runs taken together, if those of a later run always whole. */
export function rungsOf(first: number, reduction: number, epochs: number, seeds: number): Rung[] {
  const rungs: Rung[] = [];
  for (let r = first; r < epochs * seeds; r *= reduction) {
    rungs.push(r < epochs ? { seed: 0, epoch: r } : { seed: Math.ceil(r / epochs) - 1, epoch: epochs });
  }
  // Rounding up to a whole run may end at the last one, after which there is nothing to save, or meet one rung twice.
  return rungs.filter(
    ({ seed, epoch }, k) =>
      !(seed === seeds - 1 && epoch === epochs) && !(rungs[k - 1]?.seed === seed && rungs[k - 1]?.epoch === epoch),
  );
}

function valueAt(trial: Trial, { seed, epoch }: Rung): number | undefined {
  const values = Array.from({ length: seed + 1 }, (_, k) => bestBy(trial, k, epoch));
  return values.every((value) => value !== undefined) ? mean(values) : undefined;
}
