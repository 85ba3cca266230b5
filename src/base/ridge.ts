import { inverseCholesky } from "./cholesky.ts";

/**
 * Ridge regression with an intercept that is not shrunk: w of the least Σ (y − x·w − b)² + strength · |w|², by Cholesky's factors of
 * the normal equations, for a few dozen features.
 *
 * @param x         [rows][features]
 * @param strength  above 0, or singular features have no answer
 * @returns what the fit says of a row of features
 */
export function fitRidge(
  x: readonly (readonly number[])[],
  y: readonly number[],
  strength: number,
): (features: readonly number[]) => number {
  const width = x[0]?.length ?? 0;
  const centre = Array.from({ length: width }, (_, k) => average(x.map((row) => row[k]!)));
  const level = average(y);
  const centred = x.map((row) => row.map((value, k) => value - centre[k]!));
  const gram = centre.map((_, a) =>
    centre.map((_, b) => sum(centred.map((row) => row[a]! * row[b]!)) + (a === b ? strength : 0)),
  );
  const weights = solve(
    gram,
    centre.map((_, a) => sum(centred.map((row, r) => row[a]! * (y[r]! - level)))),
  );
  return (features) => level + sum(weights.map((weight, k) => weight * (features[k]! - centre[k]!)));
}

/** A·w = b: w = L⁻ᵀ · L⁻¹ · b. */
function solve(a: readonly (readonly number[])[], b: readonly number[]): number[] {
  const n = b.length;
  const inverse = inverseCholesky(Float64Array.from(a.flat()), n);
  const half = b.map((_, i) => sum(b.map((value, k) => inverse[i * n + k]! * value)));
  return b.map((_, k) => sum(half.map((value, i) => inverse[i * n + k]! * value)));
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const average = (values: readonly number[]): number => sum(values) / values.length;
