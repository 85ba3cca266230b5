import { mean, standardDeviation } from "./statistics.ts";

/** A mean difference and where it lies with a given confidence. */
export interface PairedDifference {
  readonly mean: number;
  /** Undefined where there are too few pairs to say. */
  readonly low: number | undefined;
  readonly high: number | undefined;
  /** How many pairs. */
  readonly pairs: number;
}

/**
 * Student's interval of a mean difference: d̄ ± t · s / √n, with the t distribution of n − 1 degrees of freedom.
 * @param differences  one for each pair, such as a method's accuracy minus the reference's with the same seed
 * @param level        confidence, in (0, 1); default 0.95
 */
export function pairedInterval(differences: readonly number[], level = 0.95): PairedDifference {
  const [pairs, centre] = [differences.length, mean(differences)];
  if (pairs < 2) return { mean: centre, low: undefined, high: undefined, pairs };
  const half = (tQuantile(level, pairs - 1) * standardDeviation(differences)) / Math.sqrt(pairs);
  return { mean: centre, low: centre - half, high: centre + half, pairs };
}

/**
 * The t that |T| stays below with probability `level`, T of Student's t distribution.
 * @param level    in (0, 1)
 * @param degrees  of freedom, a whole number from 1
 */
export function tQuantile(level: number, degrees: number): number {
  // θ = atan(t / √ν) lies in (0, π/2), and the probability grows with it.
  let [low, high] = [0, Math.PI / 2];
  for (let halving = 0; halving < 60; halving++) {
    const middle = (low + high) / 2;
    if (tProbability(middle, degrees) < level) low = middle;
    else high = middle;
  }
  return Math.sqrt(degrees) * Math.tan((low + high) / 2);
}

/** P(|T| < t) with θ = atan(t / √ν): the finite sums of Abramowitz and Stegun 26.7.3 (odd ν) and 26.7.4 (even ν). */
function tProbability(angle: number, degrees: number): number {
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)];
  const isOdd = degrees % 2 === 1;
  let [term, sum] = [isOdd ? cosine : 1, 0];
  for (let k = isOdd ? 1 : 0; k <= degrees - 2; k += 2) {
    sum += term;
    term *= ((k + 1) / (k + 2)) * cosine ** 2;
  }
  return isOdd ? (2 / Math.PI) * (angle + sine * sum) : sine * sum;
}
