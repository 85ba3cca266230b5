import fc from "fast-check";
import { expect, test } from "vitest";
import cases from "../../test/fixtures/metrics.json" with { type: "json" };
import {
  explainedShare,
  mean,
  median,
  partialSpearman,
  pearson,
  quantile,
  ranks,
  spearman,
  standardDeviation,
} from "./statistics.ts";

test("mean, sample standard deviation and median by hand", () => {
  const values = [2, 4, 4, 4, 5, 5, 7, 9]; // deviations −3 −1 −1 −1 0 0 2 4, squares sum to 32
  expect(mean(values)).toBe(5);
  expect(standardDeviation(values)).toBeCloseTo(Math.sqrt(32 / 7), 14);
  expect(median(values)).toBe(4.5);
  expect(median([9, 1, 10])).toBe(9); // numeric order, not that of strings
});

test("too few values give NaN, not 0", () => {
  expect(mean([])).toBeNaN();
  expect(median([])).toBeNaN();
  expect(standardDeviation([3])).toBeNaN();
});

test("ranks by hand: equal values share the mean of their ranks", () => {
  expect([...ranks([10, 3, 10, -1, 10, 3])]).toEqual([5, 2.5, 5, 1, 5, 2.5]);
  expect([...ranks([0, -0, Number.NEGATIVE_INFINITY])]).toEqual([2.5, 2.5, 1]);
  expect([...ranks([1, Number.NaN])]).toEqual([Number.NaN, Number.NaN]);
  expect([...ranks([])]).toEqual([]);
});

test("correlations, ranks and quantiles as scipy and NumPy compute them", () => {
  for (const { predicted, targets, ...expected } of cases.regression) {
    expect(pearson(predicted, targets)).toBeCloseTo(expected.pearson, 12);
    expect(spearman(predicted, targets)).toBeCloseTo(expected.spearman, 12);
    expect([...ranks(predicted)]).toEqual(expected.ranks);
    for (const [k, share] of [0, 0.025, 0.3, 1].entries()) {
      expect(quantile(predicted, share)).toBeCloseTo(expected.quantiles[k]!, 12);
    }
  }
});

test("a correlation with what never changes is undefined, however its mean rounds", () => {
  for (const constant of [
    [0.1, 0.1, 0.1],
    [7, 7, 7],
  ]) {
    expect(pearson(constant, [1, 2, 4])).toBeNaN();
    expect(spearman([1, 2, 4], constant)).toBeNaN();
  }
  expect(pearson([1], [2])).toBeNaN();
  expect(pearson([], [])).toBeNaN();
  expect(pearson([1, Number.NaN], [1, 2])).toBeNaN();
  expect(spearman([1, Number.NaN], [1, 2])).toBeNaN();
  expect(quantile([], 0.5)).toBeNaN();
  expect(() => pearson([1, 2], [1])).toThrow("2 values on one side and 1 on the other");
});

test("a partial correlation by its formula for one covariate, by elimination for two, and of nothing", () => {
  const [x, y, z, w] = [
    [3, 1, 4, 1.5, 5, 9, 2, 6],
    [2, 7, 1, 8, 2.8, 1.8, 2.4, 5],
    [1, 4, 1.4, 2, 1.3, 5, 6, 2.3],
    [5, 3, 8, 9, 7, 2, 4, 6],
  ];
  const given = (a: number[], b: number[], c: (of: number[], with_: number[]) => number, by: number[]) =>
    (c(a, b) - c(a, by) * c(b, by)) / Math.sqrt((1 - c(a, by) ** 2) * (1 - c(b, by) ** 2));
  expect(partialSpearman(x, y, [])).toBeCloseTo(spearman(x, y), 12);
  expect(partialSpearman(x, y, [ranks(z)])).toBeCloseTo(given(x, y, spearman, z), 12);
  const givenZ = (a: number[], b: number[]) => given(a, b, spearman, z);
  expect(partialSpearman(x, y, [ranks(z), ranks(w)])).toBeCloseTo(given(x, y, givenZ, w), 12);
  expect(partialSpearman(x, y, [ranks(x)])).toBeNaN();
  expect(partialSpearman(x, y, [ranks(z), ranks(z)])).toBeCloseTo(given(x, y, spearman, z), 12);
  expect(partialSpearman(x, y, [z])).not.toBeCloseTo(given(x, y, spearman, z), 3); // covariates are not ranked
});

test("the share that covariates explain: r² of one, the more of two, all of itself, and of what never changes nothing", () => {
  const [x, z, w] = [
    [3, 1, 4, 1.5, 5, 9, 2, 6],
    [1, 4, 1.4, 2, 1.3, 5, 6, 2.3],
    [5, 3, 8, 9, 7, 2, 4, 6],
  ];
  const [byZ, byW, ofZW] = [pearson(ranks(x), z), pearson(ranks(x), w), pearson(z, w)];
  expect(explainedShare(x, [])).toBeCloseTo(0, 12);
  expect(explainedShare(x, [z])).toBeCloseTo(byZ ** 2, 12);
  const both = (byZ ** 2 + byW ** 2 - 2 * byZ * byW * ofZW) / (1 - ofZW ** 2); // R² of two, by the textbook
  expect(explainedShare(x, [z, w])).toBeCloseTo(both, 12);
  expect(explainedShare(x, [z, z])).toBeCloseTo(byZ ** 2, 12);
  expect(explainedShare(x, [ranks(x)])).toBe(1);
  expect(explainedShare([7, 7, 7], [[1, 2, 3]])).toBeNaN();
  expect(explainedShare([7, Number.NaN, 7], [[1, 2, 3]])).toBeNaN();
});

const pairs = fc.array(fc.tuple(fc.integer({ min: -20, max: 20 }), fc.integer({ min: -20, max: 20 })), {
  minLength: 2,
});

test("Spearman sees order only, Pearson all but scale and offset; both are bounded and symmetric", () => {
  fc.assert(
    fc.property(pairs, (points) => {
      const [x, y] = [points.map(([first]) => first), points.map(([, second]) => second)];
      fc.pre(new Set(x).size > 1 && new Set(y).size > 1);
      const [r, rho] = [pearson(x, y), spearman(x, y)];
      expect(
        spearman(
          x.map((value) => value ** 3),
          y,
        ),
      ).toBe(rho);
      expect(
        spearman(
          x.map((value) => -Math.exp(value / 10)),
          y,
        ),
      ).toBeCloseTo(-rho, 12);
      expect(
        pearson(
          x.map((value) => 3 * value - 8),
          y,
        ),
      ).toBeCloseTo(r, 10);
      expect(pearson(y, x)).toBeCloseTo(r, 12);
      for (const value of [r, rho]) expect(Math.abs(value)).toBeLessThanOrEqual(1);
    }),
    { seed: 1 },
  );
});
