import type { Score } from "./score.ts";

/** n, less twice the distance from the middle state of the end that lies farther from it. At least 1. */
export const middleScore = {
  summary: "how near both ends of the edge lie to the middle: n − max(|2 from − (n − 1)|, |2 to − (n − 1)|)",
  source: "null score: the middle is better",
  ofEdge: ({ from, to }, { states }) => nearMiddle(states, from, to),
  ofSite: ({ at, count }) => nearMiddle(count, at),
} as const satisfies Score;

const nearMiddle = (count: number, ...places: readonly number[]): number =>
  count - Math.max(...places.map((at) => Math.abs(2 * at - (count - 1))));
