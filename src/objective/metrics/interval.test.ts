import { expect, test } from "vitest";
import cases from "../../../test/fixtures/metrics.json" with { type: "json" };
import { mean, pearson, random } from "../../base/index.ts";
import { bootstrapInterval, meanInterval, takeRows } from "./interval.ts";

test("ends agree with scipy's percentile bootstrap to within what draws can differ", () => {
  for (const { statistic, x, y, level, error, ...recorded } of cases.intervals) {
    const [first, second] = [Float64Array.from(x), Float64Array.from(y)];
    const of = (indices: Uint32Array) =>
      statistic === "mean"
        ? mean(takeRows(first, indices))
        : pearson(takeRows(first, indices), takeRows(second, indices));
    const interval = bootstrapInterval(x.length, of, { draws: 10_000, level })!;
    // A 2.5 % quantile of 10,000 draws has a standard error of 0.027 of theirs for a normal; the tails here are longer.
    expect(Math.abs(interval.low - recorded.low)).toBeLessThan(0.1 * error);
    expect(Math.abs(interval.high - recorded.high)).toBeLessThan(0.1 * error);
  }
});

test("of 95 % intervals for the mean of a normal, about 95 % hold it", () => {
  const held = Array.from({ length: 300 }, (_, trial) => {
    const stream = random(trial);
    const { low, high } = meanInterval(Array.from({ length: 50 }, stream.normal), { draws: 400, seed: trial })!;
    return low <= 0 && 0 <= high ? 1 : 0;
  });
  expect(mean(held)).toBeGreaterThan(0.89); // expected 0.94 at 50 examples; four standard errors are 0.055
  expect(mean(held)).toBeLessThan(0.995);
});

test("the same seed draws the same, another does not, and the way for means is no different", () => {
  const values = Float64Array.from({ length: 30 }, (_, k) => (k * k) % 17);
  const slow = (seed?: number) => bootstrapInterval(30, (indices) => mean(takeRows(values, indices)), { seed });
  expect(slow()).toEqual(slow(0));
  expect(slow(1)).not.toEqual(slow(0));
  expect(meanInterval(values, { seed: 1 })).toEqual(slow(1));
});

test("a higher level holds a lower one", () => {
  const values = Array.from({ length: 25 }, (_, k) => (k * 7) % 11);
  const [wide, narrow] = [meanInterval(values, { level: 0.99 })!, meanInterval(values, { level: 0.5 })!];
  expect(wide.low < narrow.low && narrow.low < mean(values)).toBe(true);
  expect(wide.high > narrow.high && narrow.high > mean(values)).toBe(true);
});

test("draws without a value are left out; with more than half such there is no interval", () => {
  const every = (n: number) => {
    let call = 0;
    return bootstrapInterval(5, () => (call++ % n === 0 ? 1 : Number.NaN), { draws: 12 });
  };
  expect(every(2)).toEqual({ low: 1, high: 1 });
  expect(every(3)).toBeUndefined();
  expect(meanInterval([1, 2, Number.NaN])).toBeUndefined(); // 70 % of draws hold the NaN
  expect(meanInterval([1])).toBeUndefined();
  expect(meanInterval([])).toBeUndefined();
});

test("settings that make no interval are refused", () => {
  for (const options of [{ level: 95 }, { level: 0 }, { draws: 0 }, { draws: 1.5 }]) {
    expect(() => meanInterval([1, 2], options)).toThrow("Give a level between 0 and 1");
  }
});

test("rows are taken in the order of the indices, as often as they occur", () => {
  const rows = takeRows(Int32Array.of(1, 2, 3, 4, 5, 6), Uint32Array.of(2, 0, 2), 2);
  expect(rows).toEqual(Int32Array.of(5, 6, 1, 2, 5, 6));
  expect(takeRows(Float32Array.of(0.5, 1.5), Uint32Array.of(1))).toEqual(Float32Array.of(1.5));
});
