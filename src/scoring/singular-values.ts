import { eigenvaluesSymmetric } from "./eigenvalues.ts";

/**
 * Singular values of G from its Gram matrix, G·Gᵀ or Gᵀ·G: square roots of its eigenvalues, negative noise taken as 0.
 * Squaring halves the digits: singular values below about 1e-8 of the largest are not resolved, and a Gram matrix
 * accumulated in float32 resolves only 1e-3, which is too few for a numerical rank.
 * @param gram row-major [d, d]; its upper triangle is read; not modified
 * @returns    d singular values, descending
 * @throws     GraftError NOT_FINITE if the triangle holds NaN or an infinity
 */
export function singularValuesOfGram(gram: Float64Array, d: number): Float64Array {
  return roots(eigenvaluesSymmetric(gram, d));
}

/** Square roots; negative noise counts as 0. */
export const roots = (eigenvalues: Float64Array): Float64Array =>
  eigenvalues.map((value) => Math.sqrt(Math.max(0, value)));

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
