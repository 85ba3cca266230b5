import { expect, test } from "vitest";
import { warmupCosine } from "./schedule.ts";

test("linear warm-up, then half a cosine down to zero: values by hand", () => {
  // 12 steps, 4 of them warming up: 1/4, 2/4, 3/4, 1, then ½(1 + cos(π k/8)), k = 0 … 7.
  const factors = Array.from({ length: 12 }, (_, step) => warmupCosine(step, 12, 4));
  const cosine = [1, 0.961939766, 0.853553391, 0.691341716, 0.5, 0.308658284, 0.146446609, 0.038060234];
  [0.25, 0.5, 0.75, 1, ...cosine].forEach((expected, step) => {
    expect(factors[step]).toBeCloseTo(expected, 9);
  });
  expect(warmupCosine(12, 12, 4)).toBeCloseTo(0, 12);
});

test("no warm-up starts at the peak; nothing but warm-up never falls; beyond the end it stays 0", () => {
  expect(warmupCosine(0, 10, 0)).toBe(1);
  expect([0, 1, 2].map((step) => warmupCosine(step, 3, 3))).toEqual([1 / 3, 2 / 3, 1]);
  expect(warmupCosine(99, 10, 2)).toBeCloseTo(0, 12);
});
