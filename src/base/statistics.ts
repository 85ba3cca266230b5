import { GraftError } from "./errors.ts";

/** Arithmetic mean; NaN for no values. */
export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let k = 0; k < values.length; k++) sum += values[k]!;
  return sum / values.length;
}

/** Sample standard deviation (divisor count − 1); NaN for fewer than two values. */
export function standardDeviation(values: ArrayLike<number>): number {
  const centre = mean(values);
  let sum = 0;
  for (let k = 0; k < values.length; k++) sum += (values[k]! - centre) ** 2;
  return values.length < 2 ? Number.NaN : Math.sqrt(sum / (values.length - 1));
}

/** Median: the middle value, or the mean of the two middle ones; NaN for no values. */
export function median(values: ArrayLike<number>): number {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/**
 * Ranks from 1 in rising order; equal values share the mean of the ranks they take.
 * @returns  [count], whole or half numbers; all NaN where a value is NaN, which has no place in an order
 */
export function ranks(values: ArrayLike<number>): Float64Array {
  const sorted = Float64Array.from(values).sort(); // NaN last
  if (Number.isNaN(sorted.at(-1))) return sorted.fill(Number.NaN);
  // Values below it and its equals: a value's ranks are the whole numbers between, and their mean is in the middle.
  return Float64Array.from(values, (value) => (countBelow(sorted, value) + countUpTo(sorted, value) + 1) / 2);
}

/**
 * Pearson's correlation.
 * @returns  in [−1, 1]; NaN for fewer than two pairs, or where either side never changes
 */
export function pearson(x: ArrayLike<number>, y: ArrayLike<number>): number {
  if (x.length !== y.length) {
    throw new GraftError("STATISTICS", {
      thing: "correlation",
      place: `it has ${x.length} values on one side and ${y.length} on the other`,
      remedy: "Give one value of each for every example",
    });
  }
  if (isConstant(x) || isConstant(y)) return Number.NaN; // rounding of the mean may leave a constant some variance
  const [centreX, centreY] = [mean(x), mean(y)];
  let [xx, xy, yy] = [0, 0, 0];
  for (let k = 0; k < x.length; k++) {
    const [dx, dy] = [x[k]! - centreX, y[k]! - centreY];
    xx += dx * dx;
    xy += dx * dy;
    yy += dy * dy;
  }
  return Math.max(-1, Math.min(1, xy / (Math.sqrt(xx) * Math.sqrt(yy))));
}

/**
 * Spearman's correlation: Pearson's of the ranks, where equal values share a rank.
 * @returns  in [−1, 1]; NaN for fewer than two pairs, where either side never changes, or where a value is NaN
 */
export const spearman = (x: ArrayLike<number>, y: ArrayLike<number>): number => pearson(ranks(x), ranks(y));

/**
 * Spearman's partial correlation: Pearson's of what is left of the ranks of both sides once the least-squares fit of the
 * covariates is taken out of each.
 * @param covariates  as they are, not their ranks: a fit of squares and products must know which number was squared
 * @returns  in [−1, 1]; NaN where nothing is left of a side, or where `spearman` is NaN
 */
export function partialSpearman(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  covariates: readonly ArrayLike<number>[],
): number {
  const left = leftBeside(covariates);
  const [a, b] = [left(ranks(x)), left(ranks(y))];
  return a && b ? pearson(a, b) : Number.NaN;
}

/**
 * Share of the variance of the ranks that the least-squares fit of the covariates explains (R²).
 * @param covariates  as they are, not their ranks
 * @returns  in [0, 1]; NaN where `x` never changes or holds NaN
 */
export function explainedShare(x: ArrayLike<number>, covariates: readonly ArrayLike<number>[]): number {
  const whole = centred(ranks(x));
  if (!(norm(whole) > 0)) return Number.NaN;
  const rest = leftBeside(covariates)(whole);
  return rest ? 1 - dot(rest, rest) / dot(whole, whole) : 1;
}

/** What is left of values, centred, once the fit of the covariates is taken out (Gram and Schmidt); undefined where that is nothing. */
function leftBeside(covariates: readonly ArrayLike<number>[]): (values: ArrayLike<number>) => Float64Array | undefined {
  const directions: Float64Array[] = [];
  const left = (values: ArrayLike<number>) => {
    const rest = centred(values);
    const whole = norm(rest);
    for (const direction of directions) {
      const along = dot(rest, direction);
      for (let k = 0; k < rest.length; k++) rest[k]! -= along * direction[k]!;
    }
    return norm(rest) > 1e-9 * whole ? rest : undefined;
  };
  for (const covariate of covariates) {
    const rest = left(covariate);
    if (rest === undefined) continue;
    const length = norm(rest);
    directions.push(rest.map((value) => value / length));
  }
  return left;
}

function centred(values: ArrayLike<number>): Float64Array {
  const centre = mean(values);
  return Float64Array.from(values, (value) => value - centre);
}

const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, k) => sum + value * b[k]!, 0);
const norm = (a: Float64Array): number => Math.sqrt(dot(a, a));

/**
 * Value below which a share of the values lies, linear between neighbours (definition 7 of Hyndman and Fan 1996, the
 * default of NumPy and R).
 * @param share  in [0, 1]
 * @returns      NaN for no values
 */
export function quantile(values: ArrayLike<number>, share: number): number {
  const sorted = Float64Array.from(values).sort();
  if (sorted.length === 0) return Number.NaN;
  const position = share * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below]!;
  return low + (position - below) * ((sorted[below + 1] ?? low) - low);
}

function isConstant(values: ArrayLike<number>): boolean {
  for (let k = 1; k < values.length; k++) if (values[k] !== values[0]) return false;
  return true;
}

const countBelow = (sorted: Float64Array, value: number) => firstWhere(sorted, (other) => other >= value);
const countUpTo = (sorted: Float64Array, value: number) => firstWhere(sorted, (other) => other > value);

/** Index of the first value for which a condition holds that holds for all after it, or the count. */
function firstWhere(sorted: Float64Array, holds: (value: number) => boolean): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(sorted[middle]!)) high = middle;
    else low = middle + 1;
  }
  return low;
}
