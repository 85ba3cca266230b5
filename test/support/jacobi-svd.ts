/**
 * Reference singular values by one-sided Jacobi: rotate pairs of rows until all are orthogonal; their lengths are the
 * singular values. Slow and accurate (it never squares the matrix), and shares nothing with the code under test.
 * @param g row-major [rows, columns]; not modified
 * @returns min(rows, columns) singular values, descending
 */
export function jacobiSingularValues(g: ArrayLike<number>, rows: number, columns: number): number[] {
  const short = Math.min(rows, columns);
  const vectors = Array.from({ length: short }, (_, i) =>
    Float64Array.from({ length: Math.max(rows, columns) }, (_, k) =>
      rows <= columns ? g[i * columns + k]! : g[k * columns + i]!,
    ),
  );
  for (let sweep = 0, rotated = true; rotated; sweep++) {
    if (sweep === 60) throw new Error("the Jacobi reference did not converge");
    rotated = false;
    for (let p = 0; p < short; p++) {
      for (let q = p + 1; q < short; q++) rotated = orthogonalise(vectors[p]!, vectors[q]!) || rotated;
    }
  }
  return vectors.map((x) => Math.sqrt(dot(x, x))).sort((a, b) => b - a);
}

/** Rotate x and y in their plane until they are orthogonal; false if they were. */
function orthogonalise(x: Float64Array, y: Float64Array): boolean {
  const [xx, yy, xy] = [dot(x, x), dot(y, y), dot(x, y)];
  if (Math.abs(xy) <= 1e-15 * Math.sqrt(xx * yy)) return false;
  const zeta = (yy - xx) / (2 * xy);
  const tangent = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.hypot(1, zeta));
  const cosine = 1 / Math.hypot(1, tangent);
  const sine = cosine * tangent;
  for (let k = 0; k < x.length; k++) {
    [x[k], y[k]] = [cosine * x[k]! - sine * y[k]!, sine * x[k]! + cosine * y[k]!];
  }
  return true;
}

function dot(x: Float64Array, y: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < x.length; k++) sum += x[k]! * y[k]!;
  return sum;
}
