import { describe, expect, test } from "vitest";
import { random } from "../base/index.ts";
import { topDirections } from "./top-directions.ts";

/** Orthonormal rows, by reflections: the identity without 2·u·uᵀ for some u. */
function orthogonal(d: number): Float64Array {
  const draw = random(d);
  const q = Float64Array.from({ length: d * d }, (_, at) => (at % (d + 1) === 0 ? 1 : 0));
  for (let round = 0; round < 3; round++) {
    const u = Array.from({ length: d }, () => draw.normal());
    const length = Math.hypot(...u);
    for (let row = 0; row < d; row++) {
      const share = u.reduce((sum, x, k) => sum + (x / length) * q[row * d + k]!, 0);
      for (let k = 0; k < d; k++) q[row * d + k]! -= (2 * share * u[k]!) / length;
    }
  }
  return q;
}

/** Σ λ_k q_k q_kᵀ */
function withEigenvalues(q: Float64Array, d: number, lambda: (k: number) => number): Float64Array {
  const matrix = new Float64Array(d * d);
  for (let k = 0; k < d; k++)
    for (let i = 0; i < d; i++)
      for (let j = 0; j < d; j++) matrix[i * d + j]! += lambda(k) * q[k * d + i]! * q[k * d + j]!;
  return matrix;
}

const cosine = (a: Float64Array, b: Float64Array) => Math.abs(a.reduce((sum, x, k) => sum + x * b[k]!, 0));

describe.each([12, 150])("of size %i", (d) => {
  const q = orthogonal(d);
  const row = (rows: Float64Array, k: number) => rows.subarray(k * d, (k + 1) * d);

  test("the eigenvectors a matrix was made of are found, in the order of their eigenvalues", () => {
    const found = topDirections(
      withEigenvalues(q, d, (k) => 0.8 ** k),
      d,
      4,
    );
    expect(found).toHaveLength(4 * d);
    for (let k = 0; k < 4; k++) expect(cosine(row(found, k), row(q, k))).toBeGreaterThan(1 - 1e-9);
  });

  test("beyond the rank of a matrix they are orthogonal to what it holds, and to each other", () => {
    const found = topDirections(
      withEigenvalues(q, d, (k) => (k < 2 ? 3 - k : 0)),
      d,
      4,
    );
    for (let k = 0; k < 2; k++) expect(cosine(row(found, k), row(q, k))).toBeGreaterThan(1 - 1e-9);
    for (let i = 0; i < 4; i++)
      for (let j = 0; j < 4; j++) expect(cosine(row(found, i), row(found, j))).toBeCloseTo(i === j ? 1 : 0, 8);
  });

  test("of the zero matrix they are any that are orthogonal, and the argument stays as it was", () => {
    const zero = new Float64Array(d * d);
    const found = topDirections(zero, d, 3);
    expect(cosine(row(found, 0), row(found, 0))).toBeCloseTo(1, 10);
    expect(cosine(row(found, 0), row(found, 2))).toBeCloseTo(0, 10);
    expect(zero.every((x) => x === 0)).toBe(true);
  });
});
