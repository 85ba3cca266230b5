import type { Objective } from "./settings.ts";
import type { Trial, TrialValues } from "./trial.ts";

/** Means of the same numbers, taken in another order, differ in the last bits: so many digits count. */
const DIGITS = 12;

/** What is to be large, in the order of the objectives; a value that is not there loses to every other. */
export function gainsOf(values: TrialValues, objectives: readonly Objective[]): number[] {
  return objectives.map((objective) => {
    const gain = objective === "metric" ? values.metric : -(values[objective] ?? Number.NaN);
    return Number.isNaN(gain) ? Number.NEGATIVE_INFINITY : Number(gain.toPrecision(DIGITS));
  });
}

/** Complete trials that no other beats in one objective without losing in another, in their order; equals stay together. */
export function paretoFront(trials: readonly Trial[], objectives: readonly Objective[]): Trial[] {
  const complete = trials.filter(({ values }) => values);
  const [front = []] = paretoLayers(complete.map(({ values }) => gainsOf(values!, objectives)));
  return front.map((at) => complete[at]!);
}

/**
 * Order points from best to worst: by layer, in a layer the less crowded first, then in their order. With one objective
 * that is its order.
 * @param points  gains of each, larger is better
 * @returns       indices
 * @see           NSGA-II, Deb et al. 2002
 */
export const bestFirst = (points: readonly (readonly number[])[]): number[] =>
  paretoLayers(points).flatMap((layer) => {
    const distance = crowdingDistances(layer.map((at) => points[at]!));
    const order = [...layer.keys()].toSorted((a, b) =>
      distance[a] === distance[b] ? a - b : distance[b]! - distance[a]!,
    );
    return order.map((k) => layer[k]!);
  });

/** Layer 0 is dominated by none, layer k only by those before: the fast non-dominated sort of Deb et al. 2002. */
export function paretoLayers(points: readonly (readonly number[])[]): number[][] {
  const dominators = points.map((point) => points.filter((other) => dominates(other, point)).length);
  const layers: number[][] = [];
  for (let layer = indicesOf(dominators, 0); layer.length > 0; layer = indicesOf(dominators, 0)) {
    layers.push(layer);
    for (const taken of layer) {
      dominators[taken] = -1;
      for (const [at, point] of points.entries()) if (dominates(points[taken]!, point)) dominators[at]!--;
    }
  }
  return layers;
}

/** At least as good everywhere and better somewhere. */
function dominates(a: readonly number[], b: readonly number[]): boolean {
  let isBetter = false;
  for (let k = 0; k < a.length; k++) {
    if (a[k]! < b[k]!) return false;
    if (a[k]! > b[k]!) isBetter = true;
  }
  return isBetter;
}

/**
 * How far the neighbours of each point lie apart, summed over objectives, each over its range; infinite at the ends.
 * @see  Deb et al. 2002
 */
export function crowdingDistances(points: readonly (readonly number[])[]): number[] {
  const distances = points.map(() => 0);
  for (const objective of points[0]?.keys() ?? []) {
    const value = (at: number) => points[at]![objective]!;
    const order = [...points.keys()].toSorted((a, b) => (value(a) === value(b) ? a - b : value(a) - value(b)));
    const range = value(order.at(-1)!) - value(order[0]!);
    if (!(range > 0)) continue; // all alike: nothing lies apart
    for (const [k, at] of order.entries()) {
      const isEnd = k === 0 || k === order.length - 1;
      distances[at]! += isEnd ? Number.POSITIVE_INFINITY : (value(order[k + 1]!) - value(order[k - 1]!)) / range;
    }
  }
  return distances;
}

const indicesOf = (values: readonly number[], wanted: number): number[] =>
  [...values.keys()].filter((at) => values[at] === wanted);
