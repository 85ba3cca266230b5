import { describe, expect, test } from "vitest";
import { correlationGiven, explainedShare, mean, random, spearman, standardDeviation } from "../../base/index.ts";
import { EDGE_KIND, ENDS, placeMatrices, SMOOTH_PLACE } from "./place.ts";

const N = 9;
const DRAWS = Array.from({ length: 30 }, (_, k) => k);
const [ends, smooth] = [placeMatrices(ENDS, N), placeMatrices(SMOOTH_PLACE, N)];
type OfPlace = (i: number, j: number) => number;

/** A function of place, of deviation 1 over the edges, and on it this much noise of a stream of its own: [n][n]. */
function made(of: OfPlace, ...noises: readonly { share: number; seed: number }[]): number[][] {
  const [place] = placeMatrices([of], N);
  const deviation = standardDeviation(place!.flat());
  const streams = noises.map(({ share, seed }) => ({ share, draw: random(seed) }));
  const noise = () => streams.reduce((sum, { share, draw }) => sum + share * draw.normal(), 0);
  return place!.map((row) => row.map((value) => value / deviation + noise()));
}

/** The mean over draws of what is left of a score and a metric that have a function of place in common, and a signal of this size. */
const left = (of: OfPlace, covariates: number[][][], signal = 0) =>
  mean(
    DRAWS.map((k) => {
      const shared = { share: signal, seed: 3 * k };
      const score = made(of, shared, { share: 0.5, seed: 3 * k + 1 });
      const metric = made(of, shared, { share: 0.5, seed: 3 * k + 2 });
      return correlationGiven(score, metric, covariates).value;
    }),
  );

test("features by hand", () => {
  expect(placeMatrices([...SMOOTH_PLACE, ...EDGE_KIND], 3).map((matrix) => matrix[2]![0])).toEqual([
    ...[0.5, -0.5, 0.25, 0.25, -0.25, 1, 0],
  ]);
  expect(placeMatrices(EDGE_KIND, 2)[1]).toEqual([
    [1, 0],
    [0, 1],
  ]);
});

describe.each(
  Object.entries({
    "the middle is best": (i, j) => Math.exp(-2 * (i * i + j * j)),
    "late is best, more and more": (i, j) => Math.exp(2 * i + 2 * j),
    "best where the ends are alike": (i, j) => -((i - j) ** 2),
    "two thirds of the way is best": (i, j) => Math.cos(3 * (i - 0.17)) + Math.cos(3 * (j - 0.17)),
  } satisfies Record<string, OfPlace>),
)("%s", (_, of) => {
  test("a score and a metric that have nothing but that in common: near 0", () => {
    expect(spearman(made(of).flat(), made(of, { share: 0.5, seed: 1 }).flat())).toBeGreaterThan(0.7);
    // Not 0: a function that is no square, and ranks, which bend even a square, leave some of it.
    expect(Math.abs(left(of, smooth))).toBeLessThan(0.2);
  });

  test("a signal they have in common beside it stays: as large as the noise, half of what is left is shared", () => {
    expect(left(of, smooth, 0.5)).toBeGreaterThan(0.4);
    expect(left(of, smooth, 1)).toBeGreaterThan(0.7);
  });
});

test("the ends alone, linearly, leave a shared middle standing", () => {
  const middle: OfPlace = (i, j) => Math.exp(-2 * (i * i + j * j));
  expect(left(middle, ends)).toBeGreaterThan(0.6);
  const share = (covariates: number[][][]) =>
    explainedShare(
      made(middle).flat(),
      covariates.map((each) => each.flat()),
    );
  expect(share(ends)).toBeLessThan(0.01);
  expect(share(smooth)).toBeGreaterThan(0.95);
});

test("what has an edge, as min(from, to) has on the diagonal, stays in part: what is left may still be place", () => {
  const early: OfPlace = (i, j) => -Math.min(i, j);
  const [none, linear, second] = [left(early, []), left(early, ends), left(early, smooth)];
  expect(linear).toBeLessThan(none);
  expect(second).toBeLessThan(linear / 2);
  expect(second).toBeGreaterThan(0.05);
});
