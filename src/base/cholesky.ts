/**
 * L⁻¹ of the Cholesky factor L of a symmetric positive definite matrix, A = L · Lᵀ.
 * @param a  row-major [d, d]; not modified
 * @returns row-major [d, d], lower triangular; NaN where A is not positive definite
 */
export function inverseCholesky(a: Float64Array, d: number): Float64Array {
  const inverse = new Float64Array(d * d);
  const factor = Float64Array.from(a);
  for (let i = 0; i < d; i++)
    for (let j = 0; j <= i; j++) {
      let sum = factor[i * d + j]!;
      for (let k = 0; k < j; k++) sum -= factor[i * d + k]! * factor[j * d + k]!;
      factor[i * d + j] = i === j ? Math.sqrt(sum) : sum / factor[j * d + j]!;
    }
  // Row i of L⁻¹ from those above it: L_ii · row_i = e_i − Σ_{k<i} L_ik · row_k.
  for (let i = 0; i < d; i++) {
    const row = inverse.subarray(i * d, i * d + i + 1);
    row[i] = 1;
    for (let k = 0; k < i; k++) {
      const share = factor[i * d + k]!;
      for (let j = 0; j <= k; j++) row[j]! -= share * inverse[k * d + j]!;
    }
    const pivot = factor[i * d + i]!;
    for (let j = 0; j <= i; j++) row[j]! /= pivot;
  }
  return inverse;
}
