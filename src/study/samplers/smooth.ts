import type { Random } from "../../base/index.ts";
import { drawWeighted } from "./draw.ts";

/** A probability for each of finitely many places, learned from places where something was seen. */
export interface Density {
  readonly shares: readonly number[];
  draw(random: Random): number;
  /** Distinct places: each drawn from those that the ones before left over. */
  drawSet(count: number, random: Random): number[];
}

/**
 * Parzen's estimate on finite places: each observation spreads over its neighbours by a normal kernel that sums to 1, and
 * one uniform observation stands for what is not known yet.
 *
 *   share(p) = (1/P + Σ_q w_q K(p, q)) / (1 + Σ_q w_q),  K(p, q) ∝ exp(−|p − q|² / 2h²),  Σ_p K(p, q) = 1
 *
 * The width h follows Scott's rule, σ N^(−1/(dims + 4)), with σ the spread of what was seen, and is at least half a step.
 * @param places   [P, dims]; `step` is the distance of neighbours
 * @param weights  [P]; how much was seen at each; their sum N is the number of observations
 */
export function smooth(places: readonly (readonly number[])[], weights: readonly number[], step: number): Density {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const dims = places[0]!.length;
  const width = Math.max(step / 2, spreadOf(places, weights, total) * total ** (-1 / (dims + 4)));
  const shares = places.map(() => 1 / places.length / (1 + total));
  for (const [q, weight] of weights.entries()) {
    if (weight === 0) continue;
    const kernel = places.map((place) => Math.exp(-squaredDistance(place, places[q]!) / (2 * width ** 2)));
    const scale = weight / (1 + total) / kernel.reduce((sum, value) => sum + value, 0);
    for (const [p, value] of kernel.entries()) shares[p]! += scale * value;
  }
  const all = [...places.keys()];
  return {
    shares,
    draw: (random) => drawWeighted(all, (p) => shares[p]!, random),
    // The order of exponential waiting times with these rates is the order of such draws (Efraimidis and Spirakis 2006).
    drawSet: (count, random) => {
      const waits = shares.map((share) => -Math.log(1 - random.next()) / share);
      return all.toSorted((a, b) => waits[a]! - waits[b]!).slice(0, count);
    },
  };
}

/** Standard deviation of a dimension, all taken together; 0 for nothing seen. */
function spreadOf(places: readonly (readonly number[])[], weights: readonly number[], total: number): number {
  if (total === 0) return 0;
  const dims = places[0]!.length;
  let sum = 0;
  for (let dim = 0; dim < dims; dim++) {
    const centre = weights.reduce((at, weight, p) => at + weight * places[p]![dim]!, 0) / total;
    sum += weights.reduce((at, weight, p) => at + weight * (places[p]![dim]! - centre) ** 2, 0);
  }
  return Math.sqrt(sum / total / dims);
}

const squaredDistance = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, dim) => sum + (value - b[dim]!) ** 2, 0);
