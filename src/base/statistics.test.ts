import { expect, test } from "vitest";
import { mean, median, standardDeviation } from "./statistics.ts";

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
