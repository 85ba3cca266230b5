import { expect, test } from "vitest";
import cases from "../../../test/fixtures/metrics.json" with { type: "json" };
import { meanAbsoluteError, r2 } from "./regression.ts";

test("as scikit-learn computes them", () => {
  for (const { predicted, targets, ...recorded } of cases.regression) {
    expect(meanAbsoluteError(predicted, targets)).toBeCloseTo(recorded.meanAbsoluteError, 12);
    expect(r2(predicted, targets)).toBeCloseTo(recorded.r2, 10);
  }
});

test("predicting the mean explains nothing, the truth everything, worse than the mean less than nothing", () => {
  const targets = [1, 2, 6];
  expect(r2([3, 3, 3], targets)).toBe(0);
  expect(r2(targets, targets)).toBe(1);
  expect(r2([6, 2, 1], targets)).toBeCloseTo(1 - 50 / 14, 14); // 25 + 0 + 25 against 4 + 1 + 9
  expect(meanAbsoluteError([6, 2, 1], targets)).toBeCloseTo(10 / 3, 14);
});

test("where there is nothing to measure, or it does not fit", () => {
  expect(r2([1, 2, 3], [0.1, 0.1, 0.1])).toBeNaN(); // whose mean is not 0.1 in floating point
  expect(r2([], [])).toBeNaN();
  expect(r2([1], [2])).toBeNaN();
  expect(r2([1, Number.NaN], [1, 2])).toBeNaN();
  expect(meanAbsoluteError([], [])).toBeNaN();
  expect(() => r2([1], [1, 2])).toThrow("predicted values: there are 1 and should be 2");
});
