import { nameSeed, random } from "../base/index.ts";

/** Up to this size all eigenvectors are found, which is exact. */
const SMALL = 128;

/** Vectors iterated beside those that are wanted: they take up what lies close behind. */
const SPARE = 8;

/** Rounds of subspace iteration: more turn vectors of nearly equal eigenvalues only, which span the same. */
const ROUNDS = 60;

/**
 * The eigenvectors of the largest eigenvalues of a symmetric matrix that has no negative ones, by subspace iteration with a
 * Rayleigh–Ritz step; up to size 128 by Jacobi's rotations alone.
 * @param matrix  [d, d]; not modified
 * @param count   how many, at most d
 * @returns       [count, d]: rows of length 1, orthogonal, that of the largest eigenvalue first; their signs mean nothing
 */
export function topDirections(matrix: Float64Array, d: number, count: number): Float64Array {
  if (d <= SMALL) return eigenvectors(matrix, d).subarray(0, count * d);
  const width = Math.min(d, count + SPARE);
  const draw = random(nameSeed("top directions"));
  let basis = orthonormal(
    Float64Array.from({ length: width * d }, () => draw.normal()),
    d,
  );
  for (let round = 0; round < ROUNDS; round++) basis = orthonormal(applied(matrix, basis, d), d);
  // Within the span that was found: T = Q M Qᵀ, [width, width].
  const image = applied(matrix, basis, d);
  const inner = new Float64Array(width * width);
  for (let i = 0; i < width; i++) for (let j = 0; j < width; j++) inner[i * width + j] = dot(basis, i, image, j, d);
  const turns = eigenvectors(inner, width);
  const found = new Float64Array(count * d);
  for (let k = 0; k < count; k++)
    for (let i = 0; i < width; i++) {
      const share = turns[k * width + i]!;
      for (let at = 0; at < d; at++) found[k * d + at]! += share * basis[i * d + at]!;
    }
  return found;
}

/** Rows of `vectors` [k, d] times a symmetric matrix, with a trace of themselves: a zero matrix keeps them apart. */
function applied(matrix: Float64Array, vectors: Float64Array, d: number): Float64Array {
  let trace = 0;
  for (let i = 0; i < d; i++) trace += matrix[i * (d + 1)]!;
  const shift = trace > 0 ? 1e-9 * trace : 1;
  return Float64Array.from(vectors, (own, at) => {
    const [row, column] = [Math.floor(at / d), at % d];
    return dot(vectors, row, matrix, column, d) + shift * own;
  });
}

function dot(a: Float64Array, i: number, b: Float64Array, j: number, d: number): number {
  let sum = 0;
  for (let k = 0; k < d; k++) sum += a[i * d + k]! * b[j * d + k]!;
  return sum;
}

/** Gram and Schmidt on rows [k, d], twice, for once leaves them a little askew. Modifies and returns its argument. */
function orthonormal(rows: Float64Array, d: number): Float64Array {
  const count = rows.length / d;
  for (let i = 0; i < count; i++) {
    for (let pass = 0; pass < 2; pass++)
      for (let j = 0; j < i; j++) {
        const share = dot(rows, i, rows, j, d);
        for (let k = 0; k < d; k++) rows[i * d + k]! -= share * rows[j * d + k]!;
      }
    const length = Math.sqrt(dot(rows, i, rows, i, d));
    for (let k = 0; k < d; k++) rows[i * d + k]! /= length;
  }
  return rows;
}

/** All eigenvectors of a symmetric matrix as rows, largest eigenvalue first: cyclic Jacobi (Golub & Van Loan, 8.5). */
function eigenvectors(matrix: Float64Array, d: number): Float64Array {
  const a = matrix.slice();
  const v = Float64Array.from({ length: d * d }, (_, at) => (at % (d + 1) === 0 ? 1 : 0));
  const scale = a.reduce((sum, x) => sum + x * x, 0);
  for (let sweep = 0; sweep < 30; sweep++) {
    let off = 0;
    for (let p = 0; p < d; p++) for (let q = p + 1; q < d; q++) off += a[p * d + q]! ** 2;
    if (off <= 1e-26 * scale) break;
    for (let p = 0; p < d; p++) for (let q = p + 1; q < d; q++) rotate(a, v, d, p, q);
  }
  const order = Array.from({ length: d }, (_, k) => k).sort((i, j) => a[j * (d + 1)]! - a[i * (d + 1)]! || i - j);
  return Float64Array.from(order.flatMap((k) => [...v.subarray(k * d, (k + 1) * d)]));
}

/** Make a[p, q] zero by turning rows and columns p and q; the same turn on the rows of v. */
function rotate(a: Float64Array, v: Float64Array, d: number, p: number, q: number): void {
  const off = a[p * d + q]!;
  if (off === 0) return;
  const theta = (a[q * (d + 1)]! - a[p * (d + 1)]!) / (2 * off);
  const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const c = 1 / Math.sqrt(t * t + 1);
  const s = t * c;
  for (let k = 0; k < d; k++) {
    const [x, y] = [a[k * d + p]!, a[k * d + q]!];
    a[k * d + p] = c * x - s * y;
    a[k * d + q] = s * x + c * y;
  }
  for (const rows of [a, v])
    for (let k = 0; k < d; k++) {
      const [x, y] = [rows[p * d + k]!, rows[q * d + k]!];
      rows[p * d + k] = c * x - s * y;
      rows[q * d + k] = s * x + c * y;
    }
}
