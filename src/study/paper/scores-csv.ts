import type { Correlation } from "../../base/index.ts";
import { csvLine } from "../storage/export.ts";
import type { ScoresResult } from "./scores.ts";

const HEAD = "task,score,rho,low,high,p,given_depth_rho,given_depth_low,given_depth_high,reliability";

/**
 * The rank correlations of every score with the measured metric, a line for each task and score: Spearman's ρ with its 95 % interval and
 * Mantel's p, the same ρ given the depth of both ends, and how well the task's measurement agrees with itself. Six decimals; empty where
 * there is none.
 */
export function scoresCsv({ tasks }: ScoresResult): string {
  const lines = tasks.flatMap(({ task, reliability, scores }) =>
    scores.map(({ score, whole, givenDepth }) =>
      csvLine([task, score, ...cells(whole), rounded(whole.p), ...cells(givenDepth), rounded(reliability)]),
    ),
  );
  return [HEAD, ...lines, ""].join("\n");
}

const cells = ({ value, low, high }: Correlation) => [value, low, high].map(rounded);

/** A number that is none, as of a score that is the same everywhere, leaves its cell empty. */
const rounded = (value: number | undefined): number | undefined =>
  value === undefined || Number.isNaN(value) ? undefined : Number(value.toFixed(6));
