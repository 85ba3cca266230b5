import { random } from "../../src/base/index.ts";

/** Standard normal entries, row-major. */
export function randomMatrix(rows: number, columns: number, seed: number): Float64Array {
  const { normal } = random(seed);
  return Float64Array.from({ length: rows * columns }, normal);
}

/** A random orthogonal matrix: the product of d reflections. */
export function orthogonal(d: number, seed: number): Float64Array {
  const identity = Float64Array.from({ length: d * d }, (_, k) => (k % (d + 1) === 0 ? 1 : 0));
  for (let k = 0; k < d; k++) reflectRows(identity, d, randomMatrix(1, d, seed * 1000 + k));
  return identity;
}

/** A square matrix with the given singular values and random singular vectors: Q₁ · diag(sigma) · Q₂. */
export function withSingularValues(sigma: readonly number[], seed: number): Float64Array {
  const d = sigma.length;
  const left = orthogonal(d, seed);
  const right = orthogonal(d, seed + 1);
  return Float64Array.from({ length: d * d }, (_, at) => {
    const [i, j] = [Math.floor(at / d), at % d];
    return sigma.reduce((sum, value, k) => sum + left[i * d + k]! * value * right[k * d + j]!, 0);
  });
}

/** Rows of `a` [d, d] ← row − 2 (row · v) v / (v · v). */
function reflectRows(a: Float64Array, d: number, v: Float64Array): void {
  const length = v.reduce((sum, value) => sum + value * value, 0);
  for (let i = 0; i < d; i++) {
    let along = 0;
    for (let k = 0; k < d; k++) along += a[i * d + k]! * v[k]!;
    for (let k = 0; k < d; k++) a[i * d + k]! -= ((2 * along) / length) * v[k]!;
  }
}
