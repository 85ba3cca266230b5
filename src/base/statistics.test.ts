import { expect, test } from "vitest";
import { mean, median, spearman, standardDeviation } from "./statistics.ts";

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

test("Spearman sees order only", () => {
  expect(spearman([1, 2, 3, 4], [1, 10, 100, 1e6])).toBe(1);
  expect(spearman([1, 2, 3, 4], [0, -1, -20, -300])).toBe(-1);
  // No ties: 1 − 6 Σd² / (n (n² − 1)), d = (0, 1, −1, 0, 0), n = 5.
  expect(spearman([1, 2, 3, 4, 5], [1, 3, 2, 4, 5])).toBeCloseTo(1 - (6 * 2) / (5 * 24), 14);
});

test("Spearman gives equal values the average of their ranks", () => {
  // Ranks (1, 2.5, 2.5, 4) and (1, 2, 3, 4): products of deviations 2.25 + 0 + 0 + 2.25, squares 4.5 and 5.
  expect(spearman([0, 5, 5, 9], [0, 1, 2, 3])).toBeCloseTo(4.5 / Math.sqrt(4.5 * 5), 14);
});

test("Spearman of a constant side is undefined, of different lengths an error", () => {
  expect(spearman([1, 1, 1], [1, 2, 3])).toBeNaN();
  expect(() => spearman([1, 2], [1])).toThrow(expect.objectContaining({ code: "LENGTH_MISMATCH" }));
});
