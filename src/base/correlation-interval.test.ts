import { expect, test } from "vitest";
import cases from "../../test/fixtures/correlations.json" with { type: "json" };
import { correlationDifference, correlationGiven, mantelTest, spearmanInterval } from "./correlation-interval.ts";
import { tQuantile } from "./paired-interval.ts";
import { mean, partialSpearman, spearman, standardDeviation } from "./statistics.ts";

test("Mantel's test and the jackknife over states as scipy's numbers have them", () => {
  for (const { a, b, exact, ...expected } of cases) {
    const { value, low, high, p, permutations } = mantelTest(a, b, { permutations: 4000, seed: 1 });
    expect(value).toBeCloseTo(expected.spearman, 12);
    expect(low).toBeCloseTo(expected.low, 10);
    expect(high).toBeCloseTo(expected.high, 10);
    // 4,000 draws find a share to within four of its standard errors.
    expect(Math.abs(p - exact)).toBeLessThan(4 * Math.sqrt((exact * (1 - exact)) / permutations) + 1 / permutations);
    const independent = spearmanInterval(a.flat(), b.flat());
    expect(independent.low).toBeCloseTo(expected.independent[0]!, 12);
    expect(independent.high).toBeCloseTo(expected.independent[1]!, 12);
  }
});

/** Value and interval of a statistic of matrices over 6 states by the jackknife's formula, pseudo-values on the scale that `to` leads to. */
function byHand(of: (matrices: number[][][]) => number, matrices: number[][][], to = Math.atanh, back = Math.tanh) {
  const without = (k: number) => matrices.map((matrix) => matrix.toSpliced(k, 1).map((row) => row.toSpliced(k, 1)));
  const pseudo = [0, 1, 2, 3, 4, 5].map((k) => 6 * to(of(matrices)) - 5 * to(of(without(k))));
  const half = (tQuantile(0.95, 5) * standardDeviation(pseudo)) / Math.sqrt(6);
  return [of(matrices), back(mean(pseudo) - half), back(mean(pseudo) + half)];
}

test("a difference of correlations and a partial one, jackknifed as the formula has it", () => {
  const same = (value: number) => value;
  for (const [k, { a, b }] of cases.entries()) {
    const other = cases[(k + 1) % cases.length]!.a;
    const of = ([x, y, z]: number[][][]) => spearman(x!.flat(), z!.flat()) - spearman(y!.flat(), z!.flat());
    const difference = correlationDifference(a, other, b);
    for (const [at, expected] of byHand(of, [a, other, b], same, same).entries())
      expect([difference.value, difference.low!, difference.high!][at]).toBeCloseTo(expected, 12);
    const given = correlationGiven(a, b, [other]);
    const partial = ([x, y, z]: number[][][]) => partialSpearman(x!.flat(), y!.flat(), [z!.flat()]);
    for (const [at, expected] of byHand(partial, [a, b, other]).entries())
      expect([given.value, given.low!, given.high!][at]).toBeCloseTo(expected, 12);
    expect(correlationDifference(a, a, b)).toEqual({ value: 0, low: 0, high: 0 });
  }
});

test("rows and columns move together: what hangs on the diagonal alone is not likeness of states", () => {
  // Every order of the states keeps the diagonal, so each gives the same correlation of 1.
  const diagonal = [0, 1, 2, 3].map((i) => [0, 1, 2, 3].map((j) => (i === j ? 1 : 0)));
  expect(mantelTest(diagonal, diagonal, { permutations: 99 })).toMatchObject({ value: 1, p: 1, low: undefined });
});

test("too little to say leaves the bounds open; what is no pair of matrices is refused", () => {
  expect(spearmanInterval([1, 2, 3], [1, 3, 2])).toEqual({
    value: expect.closeTo(0.5, 12),
    low: undefined,
    high: undefined,
  });
  for (const wrong of [
    [[1]],
    [[1, 2], [3]],
    [
      [1, 2],
      [3, Number.NaN],
    ],
  ])
    expect(() => mantelTest(wrong, wrong)).toThrow(expect.objectContaining({ code: "STATISTICS" }));
});
