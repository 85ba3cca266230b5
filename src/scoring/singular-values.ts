import { GraftError } from "../base/index.ts";
import { tridiagonalise } from "./tridiagonalise.ts";

/**
 * Eigenvalues of a symmetric matrix: Householder tridiagonalisation, then QL with implicit shifts, values only.
 * Absolute error about d · 2⁻⁵² of the largest: eigenvalues far below that are noise around zero.
 * @param a row-major [d, d]; its upper triangle is read; not modified
 * @returns d eigenvalues, descending
 * @throws  GraftError NOT_FINITE if the triangle holds NaN or an infinity
 * @see     Golub and Van Loan, Matrix Computations, sections 8.3.1 and 8.3.5
 */
export function eigenvaluesSymmetric(a: Float64Array, d: number): Float64Array {
  const scale = powerOfTwoNear(largestMagnitude(a, d)); // exact to divide by; squares cannot overflow after it
  if (scale === 0) return new Float64Array(d);
  const { diagonal, offDiagonal } = tridiagonalise(a, d, 1 / scale);
  implicitQl(diagonal, offDiagonal);
  return diagonal
    .map((value) => value * scale)
    .sort()
    .reverse();
}

/**
 * Singular values of G from its Gram matrix, G·Gᵀ or Gᵀ·G: square roots of its eigenvalues, negative noise taken as 0.
 * Squaring halves the digits: singular values below about 1e-8 of the largest are not resolved, and a Gram matrix
 * accumulated in float32 resolves only 1e-3, which is too few for a numerical rank.
 * @param gram row-major [d, d]; its upper triangle is read; not modified
 * @returns    d singular values, descending
 * @throws     GraftError NOT_FINITE if the triangle holds NaN or an infinity
 */
export function singularValuesOfGram(gram: Float64Array, d: number): Float64Array {
  return eigenvaluesSymmetric(gram, d).map((value) => Math.sqrt(Math.max(0, value)));
}

/**
 * Singular values of a float32 matrix, by way of its float64 Gram matrix on the shorter side.
 * @param g row-major [rows, columns]; not modified
 * @returns min(rows, columns) singular values, descending, resolved down to about 1e-8 of the largest
 * @throws  GraftError NOT_FINITE if `g` holds NaN or an infinity
 */
export function singularValues(g: Float32Array | Float64Array, rows: number, columns: number): Float64Array {
  const [short, long] = rows <= columns ? [rows, columns] : [columns, rows];
  const wide = rows <= columns ? Float64Array.from(g) : transpose(g, rows, columns); // [short, long]
  return singularValuesOfGram(gramOfRows(wide, short, long), short);
}

/** Upper triangle of A·Aᵀ for A [count, length]; what is below the diagonal is unspecified. */
function gramOfRows(a: Float64Array, count: number, length: number): Float64Array {
  const gram = new Float64Array(count * count);
  for (let i = 0; i < count; i += 2) {
    const row0 = i * length;
    const row1 = i + 1 < count ? row0 + length : row0;
    for (let j = i; j < count; j += 2) {
      const column0 = j * length;
      const column1 = j + 1 < count ? column0 + length : column0;
      let [s00, s01, s10, s11] = [0, 0, 0, 0];
      for (let k = 0; k < length; k++) {
        const x0 = a[row0 + k]!;
        const x1 = a[row1 + k]!;
        const y0 = a[column0 + k]!;
        const y1 = a[column1 + k]!;
        s00 += x0 * y0;
        s01 += x0 * y1;
        s10 += x1 * y0;
        s11 += x1 * y1;
      }
      gram[i * count + j] = s00;
      if (j + 1 < count) gram[i * count + j + 1] = s01;
      if (i + 1 < count) gram[(i + 1) * count + j] = s10;
      if (i + 1 < count && j + 1 < count) gram[(i + 1) * count + j + 1] = s11;
    }
  }
  return gram;
}

function transpose(g: ArrayLike<number>, rows: number, columns: number): Float64Array {
  const result = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) result[j * rows + i] = g[i * columns + j]!;
  }
  return result;
}

/** QL iteration with Wilkinson's shift; leaves the eigenvalues in `diagonal`, unsorted, and destroys `offDiagonal`. */
function implicitQl(diagonal: Float64Array, offDiagonal: Float64Array): void {
  const d = diagonal.length;
  let largest = 0;
  for (let k = 0; k < d; k++) largest = Math.max(largest, Math.abs(diagonal[k]!) + Math.abs(offDiagonal[k]!));
  const negligible = Number.EPSILON * largest; // dropping it costs no more than the reduction's own rounding
  for (let low = 0; low < d; low++) {
    for (let sweep = 0; ; sweep++) {
      let high = low;
      while (high < d - 1 && Math.abs(offDiagonal[high]!) > negligible) high++;
      if (high === low) break;
      if (sweep === MAX_SWEEPS) throw noConvergence(d);
      qlSweep(diagonal, offDiagonal, low, high);
    }
  }
}

/** Two sweeps an eigenvalue are usual, 30 are called never; the bound only keeps a bug from hanging. */
const MAX_SWEEPS = 100;

/** One implicit QL step on the unreduced block low..high: chase the bulge from its bottom to its top. */
function qlSweep(diagonal: Float64Array, offDiagonal: Float64Array, low: number, high: number): void {
  const coupling = offDiagonal[low]!;
  const half = (diagonal[low + 1]! - diagonal[low]!) / (2 * coupling);
  const root = Math.sqrt(half * half + 1);
  let g = diagonal[high]! - diagonal[low]! + coupling / (half + (half < 0 ? -root : root));
  let [sine, cosine, shift] = [1, 1, 0];
  for (let k = high - 1; k >= low; k--) {
    const f = sine * offDiagonal[k]!;
    const b = cosine * offDiagonal[k]!;
    const length = Math.sqrt(f * f + g * g);
    offDiagonal[k + 1] = length;
    if (length === 0) {
      // The bulge vanished: the block splits here.
      diagonal[k + 1]! -= shift;
      offDiagonal[high] = 0;
      return;
    }
    sine = f / length;
    cosine = g / length;
    g = diagonal[k + 1]! - shift;
    const turn = (diagonal[k]! - g) * sine + 2 * cosine * b;
    shift = sine * turn;
    diagonal[k + 1] = g + shift;
    g = cosine * turn - b;
  }
  diagonal[low]! -= shift;
  offDiagonal[low] = g;
  offDiagonal[high] = 0;
}

function largestMagnitude(a: Float64Array, d: number): number {
  let largest = 0;
  for (let i = 0; i < d; i++) {
    for (let j = i; j < d; j++) {
      const value = Math.abs(a[i * d + j]!);
      if (!(value < Number.POSITIVE_INFINITY)) throw notFinite(i, j, d);
      if (value > largest) largest = value;
    }
  }
  return largest;
}

const powerOfTwoNear = (value: number): number => (value === 0 ? 0 : 2 ** Math.floor(Math.log2(value)));

const notFinite = (i: number, j: number, d: number): GraftError =>
  new GraftError("NOT_FINITE", {
    thing: `a ${d}×${d} matrix to find singular values of`,
    place: `row ${i}, column ${j} of its symmetric form is NaN or infinite`,
    remedy: "Look for the first non-finite value upstream: an input, a weight or a division by zero",
  });

const noConvergence = (d: number): GraftError =>
  new GraftError("NO_CONVERGENCE", {
    thing: `eigenvalues of a ${d}×${d} matrix`,
    place: `still coupled after ${MAX_SWEEPS} sweeps`,
    remedy: "This should not happen: please report it with the matrix",
  });
