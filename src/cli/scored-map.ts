import type { HeatMap, SparseHeatMap } from "../report/index.ts";
import { type EdgeScores, isOnStride } from "../scoring/index.ts";

/** A map of what was scored: with a stride, of its states, and of those of chosen edges it passed over, of which nothing is known. */
export function scoredMap(map: HeatMap, { stride = 1 }: Pick<EdgeScores, "stride">): SparseHeatMap {
  if (stride === 1) return map;
  const marked = new Set(map.chosen?.flatMap(({ from, to }) => [from, to]));
  const states = [...map.matrix.keys()].filter((state) => state % stride === 0 || marked.has(state));
  const known = (from: number, to: number) => (isOnStride(stride, { from, to }) ? map.matrix[from]![to]! : Number.NaN);
  return { ...map, states, matrix: states.map((from) => states.map((to) => known(from, to))) };
}
