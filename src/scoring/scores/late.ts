import type { Score } from "./score.ts";

/** `depth` the other way round: 1 + min(i, j). What one of them tells, the other tells with the opposite sign. */
export const lateScore = {
  summary: "how late the edge begins or ends: 1 + min(from, to)",
  source: "null score: late is better",
  ofEdge: ({ from, to }) => 1 + Math.min(from, to),
  ofSite: ({ at }) => 1 + at,
} as const satisfies Score;
