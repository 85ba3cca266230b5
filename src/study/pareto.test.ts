import fc from "fast-check";
import { expect, test } from "vitest";
import { mean } from "../base/index.ts";
import { bestFirst, crowdingDistances, gainsOf, paretoFront, paretoLayers } from "./pareto.ts";
import type { Trial } from "./trial.ts";

// By hand: (1, 4), (3, 3), (4, 1) are beaten by none; (1, 3) by (1, 4), (2, 2) by (3, 3); (1, 1) by (2, 2) too.
const points = [
  [1, 1],
  [1, 4],
  [2, 2],
  [3, 3],
  [4, 1],
  [1, 3],
];

test("layers by hand", () => {
  expect(paretoLayers(points)).toEqual([[1, 3, 4], [2, 5], [0]]);
  expect(paretoLayers([])).toEqual([]);
});

test("crowding by hand: ends are infinitely far, the middle one (3−1)/3 + (4−1)/3 of a range apart", () => {
  // (1, 4), (2, 3), (3, 2), (4, 1): each inner one has neighbours 2 of 3 apart in both objectives.
  const distances = crowdingDistances([
    [1, 4],
    [2, 3],
    [3, 2],
    [4, 1],
  ]);
  expect(distances[0]).toBe(Number.POSITIVE_INFINITY);
  expect(distances[3]).toBe(Number.POSITIVE_INFINITY);
  expect(distances[1]).toBeCloseTo(4 / 3, 12);
  expect(distances[2]).toBeCloseTo(4 / 3, 12);
  expect(
    crowdingDistances([
      [1, 1],
      [1, 1],
    ]),
  ).toEqual([0, 0]);
});

test("with one objective best first is its order, equals in theirs, and what is no number last", () => {
  expect(bestFirst([[1], [3], [2], [3], [Number.NEGATIVE_INFINITY]])).toEqual([1, 3, 2, 0, 4]);
});

const anyPoints = fc.array(fc.tuple(fc.nat(4), fc.nat(4), fc.nat(4)), { maxLength: 20 });
const beats = (a: readonly number[], b: readonly number[]) =>
  a.every((value, k) => value >= b[k]!) && a.some((value, k) => value > b[k]!);

test("each is in one layer, beaten by one of the layer before and by none of its own", () =>
  fc.assert(
    fc.property(anyPoints, (all) => {
      const layers = paretoLayers(all);
      expect(layers.flat().toSorted((a, b) => a - b)).toEqual([...all.keys()]);
      for (const [k, layer] of layers.entries()) {
        for (const at of layer) {
          expect(layer.some((other) => beats(all[other]!, all[at]!))).toBe(false);
          if (k > 0) expect(layers[k - 1]!.some((other) => beats(all[other]!, all[at]!))).toBe(true);
        }
      }
      expect(bestFirst(all).toSorted((a, b) => a - b)).toEqual([...all.keys()]);
    }),
    { seed: 1 },
  ));

test("the front of trials is of complete ones; costs are to be small, and a cost that is missing loses", () => {
  const trial = (number: number, metric?: number, parameters = 1, latency?: number): Trial => ({
    task: "t",
    number,
    candidate: { method: `0-${number}@r8` },
    origin: "random",
    state: metric === undefined ? "failed" : "complete",
    runs: [],
    values: metric === undefined ? undefined : { metric, parameters, latency },
  });
  const trials = [trial(0, 0.5, 10), trial(1, 0.6, 20), trial(2, 0.5, 20), trial(3), trial(4, Number.NaN, 20)];
  expect(paretoFront(trials, ["metric", "parameters"])).toEqual([trials[0], trials[1]]);
  expect(paretoFront(trials, ["metric"])).toEqual([trials[1]]);
  expect(gainsOf({ metric: Number.NaN, parameters: 3 }, ["metric", "parameters", "latency"])).toEqual([
    Number.NEGATIVE_INFINITY,
    -3,
    Number.NEGATIVE_INFINITY,
  ]);
});

test("equal trials are equal, in whatever order their seeds came", () => {
  const [a, b] = [mean([0.1, 0.2, 0.3]), mean([0.3, 0.2, 0.1])];
  expect(a).not.toBe(b); // by a rounding
  const trials = [a, b].map(
    (metric, number): Trial => ({
      ...{ task: "t", number, candidate: { method: `0-${number}@r8` }, origin: "random", state: "complete" },
      ...{ runs: [], values: { metric, parameters: 7 } },
    }),
  );
  expect(paretoFront(trials, ["metric", "parameters"])).toEqual(trials);
});
