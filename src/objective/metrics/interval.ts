import { GraftError, nameSeed, quantile, type Random, random } from "../../base/index.ts";

export interface IntervalOptions {
  /** Seed of the draws; default 0. */
  readonly seed?: number;
  /** How many times examples are drawn anew; default 1000. */
  readonly draws?: number;
  /** Share of draws inside the interval, in (0, 1); default 0.95. */
  readonly level?: number;
}

/** Between two quantiles of a statistic's values over draws. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * Percentile bootstrap (Efron 1979): draw as many examples as there are, with replacement, compute the statistic, and
 * again; the interval leaves out the same share of draws at both ends. A draw whose statistic is NaN is left out (a
 * class may be missing from it). To compare two models, let the statistic be their difference on the same indices.
 * @param count      examples
 * @param statistic  of the examples at `indices` [count], some of them several times; the array is used again
 * @returns          undefined for fewer than two examples, or where more than half of the draws are NaN
 * @throws           GraftError METRIC for draws or a level that make no interval
 */
export function bootstrapInterval(
  count: number,
  statistic: (indices: Uint32Array) => number,
  options: IntervalOptions = {},
): Interval | undefined {
  const indices = new Uint32Array(count);
  return intervalOf(count, options, (stream) => {
    for (let k = 0; k < count; k++) indices[k] = stream.int(count);
    return statistic(indices);
  });
}

/**
 * `bootstrapInterval` of a mean, from the examples' values: the same draws and the same interval, but for rounding, with
 * nothing written between.
 * @param values  [n], one for each example, such as 1 for right and 0 for wrong
 */
export function meanInterval(values: ArrayLike<number>, options: IntervalOptions = {}): Interval | undefined {
  const count = values.length;
  return intervalOf(count, options, (stream) => {
    let sum = 0;
    for (let k = 0; k < count; k++) sum += values[stream.int(count)]!;
    return sum / count;
  });
}

/**
 * The rows at `indices`, one after another: what a statistic of a draw is computed from.
 * @param values  row-major, [n, width]; not modified
 * @param width   numbers in a row; default 1
 * @returns       [indices, width], of the same kind
 */
export function takeRows<T extends Float32Array | Float64Array | Int32Array | Uint8Array>(
  values: T,
  indices: Uint32Array,
  width = 1,
): T {
  const taken = new (values.constructor as new (length: number) => T)(indices.length * width);
  for (let k = 0; k < indices.length; k++) {
    const [from, to] = [indices[k]! * width, k * width];
    for (let j = 0; j < width; j++) taken[to + j] = values[from + j]!;
  }
  return taken;
}

function intervalOf(
  count: number,
  { seed = 0, draws = 1000, level = 0.95 }: IntervalOptions,
  draw: (stream: Random) => number,
): Interval | undefined {
  if (!(Number.isInteger(draws) && draws >= 1 && level > 0 && level < 1)) {
    throw new GraftError("METRIC", {
      thing: "interval",
      place: `it is to hold a share of ${level} of ${draws} draws`,
      remedy: "Give a level between 0 and 1, such as 0.95, and at least one draw, better 1000",
    });
  }
  if (count < 2) return undefined;
  const stream = random(seed, nameSeed("bootstrap"));
  const values = Array.from({ length: draws }, () => draw(stream)).filter((value) => !Number.isNaN(value));
  if (values.length * 2 < draws) return undefined;
  return { low: quantile(values, (1 - level) / 2), high: quantile(values, (1 + level) / 2) };
}
