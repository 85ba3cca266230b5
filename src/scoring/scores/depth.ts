import type { Score } from "./score.ts";

/** n − min(i, j), so that edges which begin or end early come first; n − 1 − min(i, j) would give those at the last state nothing to discount. */
export const depthScore = {
  summary: "how early the edge begins or ends: n − min(from, to)",
  source: "null score: early is better",
  ofEdge: ({ from, to }, { states }) => states - Math.min(from, to),
  ofSite: ({ at, count }) => count - at,
} as const satisfies Score;
