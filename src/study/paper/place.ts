/** One number of where an edge lies: it reads at `i` and adds at `j`, both from −½ at the first state to ½ at the last. */
type PlaceFeature = (i: number, j: number) => number;

/** How deep both ends lie. */
export const ENDS: readonly PlaceFeature[] = [(i) => i, (_, j) => j];

/**
 * Both ends, their squares and their product: what any smooth function of place is to second order. The ends are centred, so that the
 * squares say how far from the middle an end lies and hardly repeat the ends. Steps from state to state are alike, so ranks of the ends would give
 * the same fit.
 */
export const SMOOTH_PLACE: readonly PlaceFeature[] = [...ENDS, (i) => i * i, (_, j) => j * j, (i, j) => i * j];

/** Whether the edge is recurrent, and whether it begins where it ends. */
export const EDGE_KIND: readonly PlaceFeature[] = [(i, j) => Number(i > j), (i, j) => Number(i === j)];

/** Each feature over the edges between `n` states: [features][n][n], row: read, column: added to. */
export function placeMatrices(features: readonly PlaceFeature[], n: number): number[][][] {
  const at = Array.from({ length: n }, (_, k) => k / (n - 1) - 0.5);
  return features.map((feature) => at.map((i) => at.map((j) => feature(i, j))));
}
