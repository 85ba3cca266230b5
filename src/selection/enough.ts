import { mean, standardDeviation } from "../base/index.ts";
import type { CountPoint } from "./selector.ts";

/**
 * A curve from the values of each count's trainings.
 * @param values  the validation metric, larger is better: for each count one of each seed, the same seeds in the same order;
 *                NaN, where a model's answers are all alike, counts as the least there is
 */
export function pointsOf(counts: readonly number[], values: readonly (readonly number[])[]): CountPoint[] {
  const least = Math.min(0, ...values.flat().filter((value) => !Number.isNaN(value)));
  const known = values.map((row) => row.map((value) => (Number.isNaN(value) ? least : value)));
  const means = known.map(mean);
  const best = known[means.indexOf(Math.max(...means))]!;
  return counts.map((count, k) => {
    const lost = known[k]!.map((value, seed) => best[seed]! - value);
    return { count, values: values[k]!, behind: mean(lost), error: standardDeviation(lost) / Math.sqrt(lost.length) };
  });
}

/**
 * The one-standard-error rule (Breiman et al. 1984) on paired differences: the least count that lies no further behind the
 * best than the standard error of that difference over seeds. With one seed there is no error, and the best itself is taken.
 */
export function enough(curve: readonly CountPoint[]): number {
  const isClose = ({ behind, error }: CountPoint) => behind <= 0 || behind <= error;
  return Math.min(...curve.filter(isClose).map(({ count }) => count));
}
