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

/** A·w = b of a symmetric positive definite A. */
function solve(a: readonly (readonly number[])[], b: readonly number[]): number[] {
  const n = b.length;
  const lower = a.map((row) => row.map(() => 0));
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      const rest = a[i]![j]! - sum(lower[i]!.slice(0, j).map((value, k) => value * lower[j]![k]!));
      lower[i]![j] = i === j ? Math.sqrt(rest) : rest / lower[j]![j]!;
    }
  const half: number[] = [];
  for (let i = 0; i < n; i++) half[i] = (b[i]! - sum(half.map((value, k) => lower[i]![k]! * value))) / lower[i]![i]!;
  const found = Array.from({ length: n }, () => 0);
  for (let i = n - 1; i >= 0; i--) {
    const known = sum(found.map((value, k) => (k > i ? lower[k]![i]! * value : 0)));
    found[i] = (half[i]! - known) / lower[i]![i]!;
  }
  return found;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const average = (values: readonly number[]): number => sum(values) / values.length;
