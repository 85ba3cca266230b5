import type { Edge } from "../adapters/index.ts";
import type { EdgeScores } from "./scores.ts";
import { isOnStride } from "./stride.ts";

/** Whether an edge's number is its score: not what a stride left out, nor an estimate of a coarse pass. */
export function isExact({ coarse, stride = 1 }: Pick<EdgeScores, "coarse" | "stride">, edge: Edge): boolean {
  if (!isOnStride(stride, edge)) return false;
  return coarse === undefined || coarse.exact.some(({ from, to }) => from === edge.from && to === edge.to);
}

/** An edge's score, undefined where none is known. */
export const knownScore = (scores: EdgeScores, edge: Edge): number | undefined =>
  isExact(scores, edge) ? scores.matrix[edge.from]?.[edge.to] : undefined;
