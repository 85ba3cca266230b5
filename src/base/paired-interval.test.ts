import { expect, test } from "vitest";
import { pairedInterval, tQuantile } from "./paired-interval.ts";

test.each([
  // Two-sided points as printed tables of Student's t have them, e.g. Abramowitz and Stegun, table 26.10.
  [0.95, 1, 12.706],
  [0.95, 2, 4.303],
  [0.95, 3, 3.182],
  [0.95, 4, 2.776],
  [0.95, 5, 2.571],
  [0.95, 9, 2.262],
  [0.95, 10, 2.228],
  [0.95, 30, 2.042],
  [0.95, 120, 1.98],
  [0.99, 2, 9.925],
  [0.99, 7, 3.499],
  [0.9, 4, 2.132],
  [0.5, 1, 1],
])("t for %d with %d degrees of freedom is %d", (level, degrees, t) => {
  expect(tQuantile(level, degrees)).toBeCloseTo(t, 3);
});

test("a paired interval by hand: differences 1, 2, 3 have mean 2 and standard deviation 1", () => {
  const { mean, low, high, pairs } = pairedInterval([1, 2, 3]);
  expect([mean, pairs]).toEqual([2, 3]);
  expect(high).toBeCloseTo(2 + 4.3027 / Math.sqrt(3), 4);
  expect(low).toBeCloseTo(2 - 4.3027 / Math.sqrt(3), 4);
});

test("one pair has a difference and no interval", () => {
  expect(pairedInterval([0.25])).toEqual({ mean: 0.25, low: undefined, high: undefined, pairs: 1 });
});
