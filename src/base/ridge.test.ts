import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { random } from "./random.ts";
import { fitRidge } from "./ridge.ts";

const drawn = (seed: number, rows: number, width: number) => {
  const draw = random(seed);
  return Array.from({ length: rows }, () => Array.from({ length: width }, () => draw.uniform(-0.5, 0.5)));
};

describe("ridge regression", () => {
  test("finds the map that made the data, where next to nothing is shrunk", () => {
    const x = drawn(1, 40, 3);
    const of = ([a, b, c]: readonly number[]) => 2 * a! - b! + 0.5 * c! + 7;
    const model = fitRidge(x, x.map(of), 1e-9);
    for (const row of drawn(2, 5, 3)) expect(model(row)).toBeCloseTo(of(row), 6);
  });

  test("has no slope left in its own objective: the gradient at the fit is 0", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e6 }),
        fc.double({ min: 0.01, max: 100, noNaN: true }),
        (seed, strength) => {
          const [x, y] = [drawn(seed, 20, 4), drawn(seed + 1, 20, 1).map(([value]) => value!)];
          const model = fitRidge(x, y, strength);
          const zero = [0, 0, 0, 0];
          const weights = zero.map((_, k) => model(zero.map((_, other) => Number(other === k))) - model(zero));
          const residuals = x.map((row, r) => y[r]! - model(row));
          expect(residuals.reduce((a, b) => a + b, 0)).toBeCloseTo(0, 8);
          for (const [k, weight] of weights.entries())
            expect(x.reduce((sum, row, r) => sum + row[k]! * residuals[r]!, 0)).toBeCloseTo(strength * weight, 8);
        },
      ),
    );
  });

  test("says the mean where everything is shrunk, and of equal features", () => {
    expect(fitRidge([[1], [2], [3]], [3, 5, 10], 1e12)([100])).toBeCloseTo(6, 6);
    expect(
      fitRidge(
        [
          [1, 1],
          [1, 1],
        ],
        [0, 1],
        1,
      )([1, 1]),
    ).toBe(0.5);
  });
});
