import type { Correlation } from "../../base/index.ts";
import { csvLine } from "../storage/export.ts";
import type { ScoresResult } from "./scores.ts";

const HEAD = [
  "task,score,rho,low,high,p",
  "given_ends_rho,given_ends_low,given_ends_high",
  "given_place_rho,given_place_low,given_place_high",
  "place_share,reliability",
].join();

/**
 * The rank correlations of every score with the measured metric, a line for each task and score: Spearman's ρ with its 95 % interval and
 * Mantel's p, the same ρ given the depth of both ends (linearly) and given both depths, their squares and product, the share of the score's
 * ranks that these make up, and how well the task's measurement agrees with itself. Six decimals; empty where there is none.
 */
export function scoresCsv({ tasks }: ScoresResult): string {
  const lines = tasks.flatMap(({ task, reliability, scores }) =>
    scores.map(({ score, whole, givenEnds, givenPlace, placeShare }) => {
      const given = [...cells(givenEnds), ...cells(givenPlace)];
      return csvLine([
        task,
        score,
        ...cells(whole),
        rounded(whole.p),
        ...given,
        rounded(placeShare),
        rounded(reliability),
      ]);
    }),
  );
  return [HEAD, ...lines, ""].join("\n");
}

const cells = ({ value, low, high }: Correlation) => [value, low, high].map(rounded);

/** A number that is none, as of a score that is the same everywhere, leaves its cell empty. */
const rounded = (value: number | undefined): number | undefined =>
  value === undefined || Number.isNaN(value) ? undefined : Number(value.toFixed(6));
