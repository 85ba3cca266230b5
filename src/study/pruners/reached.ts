import type { Run, Trial } from "../trial.ts";

/**
 * The best value of a trial's run up to an epoch; a value that is no number loses to every other.
 * @returns undefined where the run has not come so far (one that ended early by itself has), or has failed
 */
export function bestBy(trial: Trial, seed: number, epoch: number): number | undefined {
  const run = runOf(trial, seed);
  const isThere = run?.state === "complete" || (run?.reports.at(-1)?.epoch ?? 0) >= epoch;
  if (!run || !isThere || run.reports.length === 0 || run.state === "failed") return;
  const values = run.reports.filter((report) => report.epoch <= epoch).map(({ value }) => value);
  return Math.max(...values.map((value) => (Number.isNaN(value) ? Number.NEGATIVE_INFINITY : value)));
}

export const runOf = (trial: Trial | undefined, seed: number): Run | undefined =>
  trial?.runs.find((run) => run.seed === seed);
