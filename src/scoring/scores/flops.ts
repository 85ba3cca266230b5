import type { Score } from "./score.ts";

/**
 * Operations of the products in the forward pass of the backbone with the edge: of a recurrent edge (i, j), i > j, with those
 * between its states twice, for what leads to state j is shared by the two runs. The adapter's own are the same on every edge
 * and left out. Edges that cost no second run tie.
 */
export const flopsScore = {
  summary: "forward operations of the model with the edge: recurrent edges repeat what lies between",
  source: "null score: more compute is better, which Nowak et al. 2024, arXiv 2410.15858, rule out",
  ofEdge: ({ from, to }, { flops }) => flops.at(-1)! + Math.max(0, flops[from]! - flops[to]!),
} as const satisfies Score;
