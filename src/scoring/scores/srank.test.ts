import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { randomMatrix, withSingularValues } from "../../../test/support/matrices.ts";
import { singularValues } from "../singular-values.ts";
import { entropyRank } from "./entropy.ts";
import { srank } from "./srank.ts";

describe("srank by hand", () => {
  test.each([
    [[], 0.01, 0],
    [[0, 0, 0], 0.01, 0],
    [[5], 0.01, 1],
    [[97, 2, 1], 0.01, 2], // 97 + 2 of 100 is 99 %
    [[98.5, 1, 0.5], 0.01, 2], // 98.5 % is not enough
    [[99, 0.5, 0.5], 0.01, 1], // exactly 99 % is
    [[4, 3, 2, 1], 0.3, 2], // 7 of 10
    [[4, 3, 2, 1], 0.29, 3],
    [[1, 3, 2, 4], 0.3, 2], // order does not matter
    [new Array<number>(100).fill(1), 0.01, 99],
    [new Array<number>(100).fill(0.1), 0.01, 99], // the same tie where sums round
  ])("%j at eta %d is %i", (sigma, eta, expected) => expect(srank(sigma, eta)).toBe(expected));
});

describe("entropy rank by hand", () => {
  test("k equal values give k, and zeros add nothing", () => {
    expect(entropyRank([3, 3, 3, 3])).toBeCloseTo(4, 12);
    expect(entropyRank([3, 3, 0, 0])).toBeCloseTo(2, 12);
    expect(entropyRank([0, 0])).toBe(0);
    expect(entropyRank([])).toBe(0);
  });

  test("shares 1/2, 1/4, 1/4 have entropy 3/2 · ln 2", () => expect(entropyRank([2, 1, 1])).toBeCloseTo(2 ** 1.5, 12));
});

const someSigma = fc
  .array(fc.double({ min: 1e-6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 40 })
  .chain((sigma) => fc.record({ sigma: fc.constant(sigma), zeros: fc.nat(5) }))
  .map(({ sigma, zeros }) => [...sigma, ...new Array<number>(zeros).fill(0)]);
const someEta = fc.double({ min: 1e-4, max: 0.9, noNaN: true });

describe("properties", () => {
  test("srank lies in 1..number of non-zero values, entropy rank in the same range", () =>
    fc.assert(
      fc.property(someSigma, someEta, (sigma, eta) => {
        const most = sigma.filter((value) => value > 0).length;
        expect(srank(sigma, eta)).toBeGreaterThanOrEqual(1);
        expect(srank(sigma, eta)).toBeLessThanOrEqual(most);
        expect(entropyRank(sigma)).toBeGreaterThanOrEqual(1 - 1e-9);
        expect(entropyRank(sigma)).toBeLessThanOrEqual(most + 1e-9);
      }),
      { seed: 1 },
    ));

  test("srank is the least such k", () =>
    fc.assert(
      fc.property(someSigma, someEta, (sigma, eta) => {
        const sorted = sigma.toSorted((a, b) => b - a);
        const total = sorted.reduce((sum, value) => sum + value, 0);
        const held = (k: number) => sorted.slice(0, k).reduce((sum, value) => sum + value, 0) / total;
        const k = srank(sigma, eta);
        expect(held(k)).toBeGreaterThanOrEqual(1 - eta - 1e-9);
        expect(held(k - 1)).toBeLessThan(1 - eta);
      }),
      { seed: 2 },
    ));

  test("scale does not matter", () =>
    fc.assert(
      fc.property(someSigma, someEta, fc.integer({ min: -9, max: 9 }), (sigma, eta, exponent) => {
        const scaled = sigma.map((value) => value * 10 ** exponent);
        expect(srank(scaled, eta)).toBe(srank(sigma, eta));
        expect(entropyRank(scaled)).toBeCloseTo(entropyRank(sigma), 8);
      }),
      { seed: 3 },
    ));

  test("a larger eta never gives a larger rank", () =>
    fc.assert(
      fc.property(someSigma, someEta, someEta, (sigma, a, b) => {
        expect(srank(sigma, Math.max(a, b))).toBeLessThanOrEqual(srank(sigma, Math.min(a, b)));
      }),
      { seed: 4 },
    ));

  test("rotations of either side do not matter", () =>
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 16 }), fc.nat(1e6), (d, seed) => {
        // A geometric fall keeps each share far enough from the threshold for the last bits not to decide.
        const sigma = Array.from({ length: d }, (_, k) => 0.7 ** k);
        const rotated = singularValues(withSingularValues(sigma, seed), d, d);
        expect(srank(rotated, 0.0123)).toBe(srank(sigma, 0.0123));
        expect(entropyRank(rotated)).toBeCloseTo(entropyRank(sigma), 6);
      }),
      { seed: 5, numRuns: 50 },
    ));
});

test("a product through r columns has rank at most r, whatever its size", () => {
  const [d, r] = [32, 3];
  const [left, right] = [randomMatrix(d, r, 1), randomMatrix(r, d, 2)];
  const g = Float32Array.from({ length: d * d }, (_, at) => {
    let sum = 0;
    for (let k = 0; k < r; k++) sum += left[Math.floor(at / d) * r + k]! * right[k * d + (at % d)]!;
    return sum;
  });
  expect(srank(singularValues(g, d, d))).toBe(r);
});

test("what is not finite and an eta outside (0, 1) are refused", () => {
  for (const compute of [srank, entropyRank]) {
    expect(() => compute([1, Number.NaN])).toThrow(expect.objectContaining({ code: "NOT_FINITE" }));
    expect(() => compute([1, Number.POSITIVE_INFINITY])).toThrow(expect.objectContaining({ code: "NOT_FINITE" }));
  }
  for (const eta of [0, 1, -0.1, Number.NaN]) {
    expect(() => srank([1], eta)).toThrow(expect.objectContaining({ code: "ETA_OUT_OF_RANGE" }));
  }
});
