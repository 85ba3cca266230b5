import type { Score } from "./score.ts";

/** min(d, tokens of the probe with a gradient at the target, what the head allows): srank cannot exceed it. */
export const capScore = {
  summary: "the largest rank that a gradient into the edge's target can have",
  source: "null score: rank counts tokens, not what the task needs",
  ofCap: (cap) => cap,
} as const satisfies Score;
