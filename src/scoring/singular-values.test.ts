import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { jacobiSingularValues } from "../../test/support/jacobi-svd.ts";
import { orthogonal, randomMatrix, withSingularValues } from "../../test/support/matrices.ts";
import { eigenvaluesSymmetric } from "./eigenvalues.ts";
import { singularValues, singularValuesOfGram } from "./singular-values.ts";

/**
 * The algorithm is backward stable on the Gram matrix, so squares agree within a small multiple of d · 2⁻⁵² of the
 * largest; the constant 8 covers the reduction, the iteration and the Gram matrix's own sums.
 */
function expectAgreement(actual: Float64Array, expected: ArrayLike<number>) {
  expect(actual).toHaveLength(expected.length);
  const bound = 8 * expected.length * Number.EPSILON * expected[0]! ** 2;
  for (let k = 0; k < expected.length; k++) {
    expect(Math.abs(actual[k]! ** 2 - expected[k]! ** 2)).toBeLessThanOrEqual(bound);
  }
}

describe("singular values agree with a one-sided Jacobi reference", () => {
  test.each([
    [1, 1],
    [2, 2],
    [3, 3],
    [1, 7],
    [7, 1],
    [5, 12],
    [33, 8],
    [64, 64],
    [97, 97],
  ])("random %i×%i", (rows, columns) => {
    const g = randomMatrix(rows, columns, 1);
    expectAgreement(singularValues(g, rows, columns), jacobiSingularValues(g, rows, columns));
  });

  test.each([1e2, 1e4, 1e7])("graded, condition %d, in either order of rows", (condition) => {
    const d = 40;
    const sigma = Array.from({ length: d }, (_, k) => condition ** (-k / (d - 1)));
    for (const order of [sigma, sigma.toReversed()]) {
      const g = withSingularValues(order, 2);
      const actual = singularValues(g, d, d);
      expectAgreement(actual, jacobiSingularValues(g, d, d));
      expectAgreement(actual, sigma);
      // Resolved to 2 digits at 1e-7 of the largest, as the docstring's 1e-8 promises.
      expect(actual[d - 1]! * condition).toBeCloseTo(1, condition < 1e7 ? 3 : 1);
    }
  });

  test("rows of very different length, as a token that dominates a gradient gives", () => {
    const d = 30;
    const g = randomMatrix(d, d, 3).map((value, k) => value * 10 ** (-Math.floor(k / d) / 5));
    expectAgreement(singularValues(g, d, d), jacobiSingularValues(g, d, d));
  });

  test("rank-deficient: what is missing is noise below 1e-7", () => {
    const [d, rank] = [48, 5];
    const g = withSingularValues([9, 7, 5, 3, 1, ...new Array<number>(d - rank).fill(0)], 4);
    const actual = singularValues(g, d, d);
    expectAgreement(actual, jacobiSingularValues(g, d, d));
    for (let k = 0; k < rank; k++) expect(actual[k]!).toBeCloseTo(9 - 2 * k, 10);
    for (let k = rank; k < d; k++) expect(actual[k]!).toBeLessThan(9e-7);
  });
});

describe("by hand", () => {
  test("zero, identity, diagonal, 1×1, empty", () => {
    expect([...singularValues(new Float32Array(9), 3, 3)]).toEqual([0, 0, 0]);
    expect([...singularValues(new Float32Array([1, 0, 0, 1]), 2, 2)]).toEqual([1, 1]);
    expect([...singularValues(new Float32Array([0, -3, 4, 0]), 2, 2)]).toEqual([4, 3]);
    expect([...singularValues(new Float32Array([-2]), 1, 1)]).toEqual([2]);
    expect([...singularValues(new Float32Array(0), 0, 5)]).toEqual([]);
  });

  test("(3 0; 4 5) has √45 and √5", () => {
    const [largest, smallest] = singularValues(new Float32Array([3, 0, 4, 5]), 2, 2);
    expect(largest!).toBeCloseTo(Math.sqrt(45), 13);
    expect(smallest!).toBeCloseTo(Math.sqrt(5), 13);
  });

  test("a path's second difference has eigenvalues 2 − 2 cos(kπ / (d + 1))", () => {
    const d = 50;
    const a = new Float64Array(d * d);
    for (let k = 0; k < d; k++) {
      a[k * d + k] = 2;
      if (k + 1 < d) a[k * d + k + 1] = -1; // the upper triangle is enough
    }
    const actual = eigenvaluesSymmetric(a, d);
    for (let k = 0; k < d; k++) {
      expect(actual[k]!).toBeCloseTo(2 - 2 * Math.cos(((d - k) * Math.PI) / (d + 1)), 13);
    }
  });

  test("an indefinite matrix keeps its signs; a Gram matrix takes negative noise as 0", () => {
    const [up, down] = eigenvaluesSymmetric(new Float64Array([0, 1, 1, 0]), 2);
    expect(up!).toBeCloseTo(1, 14);
    expect(down!).toBeCloseTo(-1, 14);
    expect([...singularValuesOfGram(new Float64Array([4, 0, 0, -1e-17]), 2)]).toEqual([2, 0]);
  });
});

test("magnitudes at both ends of float32 neither overflow nor vanish", () => {
  for (const scale of [1e38, 1e-37]) {
    const [largest, smallest] = singularValues(new Float32Array([3 * scale, 0, 0, scale]), 2, 2);
    expect(largest! / scale).toBeCloseTo(3, 5);
    expect(smallest! / scale).toBeCloseTo(1, 5);
  }
});

test("neither rotation changes them", () =>
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), fc.integer(), (d, seed) => {
      const sigma = Array.from({ length: d }, (_, k) => d - k);
      const [left, right] = [orthogonal(d, seed), orthogonal(d, seed + 1)];
      for (const g of [withSingularValues(sigma, seed), left, right]) {
        const expected = g === left || g === right ? new Array<number>(d).fill(1) : sigma;
        expectAgreement(singularValues(g, d, d), expected);
      }
    }),
    { seed: 1, numRuns: 50 },
  ));

test("the argument is not modified", () => {
  const gram = Float64Array.from([2, 1, 1, 2]);
  singularValuesOfGram(gram, 2);
  expect([...gram]).toEqual([2, 1, 1, 2]);
});

test.each([Number.NaN, Number.POSITIVE_INFINITY])("%d is refused", (value) => {
  expect(() => singularValues(new Float32Array([1, value, 0, 1]), 2, 2)).toThrow(
    expect.objectContaining({ code: "NOT_FINITE" }),
  );
});
