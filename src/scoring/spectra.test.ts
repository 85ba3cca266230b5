import { expect, test, vi } from "vitest";
import { jacobiSingularValues } from "../../test/support/jacobi-svd.ts";
import { randomMatrix } from "../../test/support/matrices.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { singularValues } from "./singular-values.ts";
import { openSpectra, orthonormalRows } from "./spectra.ts";

const d = 24;
const states = ["a", "b", "c"];

/** Gradients xᵀ·δ of some states, float32 as the runtime sums them, from the same m rows of δ. */
function columnOf(m: number, delta = randomMatrix(m, d, 1)) {
  const gradients = states.flatMap((_, i) => {
    const x = randomMatrix(m, d, 2 + i);
    return Array.from({ length: d * d }, (_, at) => {
      let sum = 0;
      for (let t = 0; t < m; t++) sum += x[t * d + Math.floor(at / d)]! * delta[t * d + (at % d)]!;
      return sum;
    });
  });
  return { gradients: Float32Array.from(gradients), rowSpace: Float32Array.from(delta) };
}

async function spectraOf(column: { gradients: Float32Array; rowSpace?: Float32Array }): Promise<Float64Array[]> {
  const spectra = await openSpectra({ runtime: nodeRuntime, hiddenSize: d, states }, { threads: 1 });
  const all: Float64Array[] = [];
  await spectra.ofColumn(column, (_, sigma) => void all.push(sigma)).finally(() => spectra.close());
  return all;
}

test.each([1, 5, 12])("singular values through the span of %i tokens are those of the whole gradient", async (m) => {
  const { gradients, rowSpace } = columnOf(m);
  const found = await spectraOf({ gradients, rowSpace });
  for (const [i, sigma] of found.entries()) {
    const expected = jacobiSingularValues(gradients.subarray(i * d * d, (i + 1) * d * d), d, d);
    expect(sigma).toHaveLength(d);
    // float32 gradients hold rounding outside the span: 6e-8 of each entry, over d of them.
    for (let k = 0; k < d; k++) expect(Math.abs(sigma[k]! - expected[k]!)).toBeLessThan(3e-6 * expected[0]!);
    expect([...sigma.subarray(m)]).toEqual(Array(d - m).fill(0));
    expect(sigma[m - 1]!).toBeGreaterThan(0);
  }
});

test.each([
  [1, 1],
  [2, 1],
  [7, 2],
  [24, 2],
  [385, 2], // so wide that they go one by one
])("singular values of gradients %i wide are those by other ways, with %i threads", async (width, threads) => {
  const gradients = Float32Array.from(states.flatMap((_, i) => [...randomMatrix(width, width, 3 + i)]));
  const many = { runtime: nodeRuntime, hiddenSize: width, states: Array<string>(threads === 1 ? 3 : 2000).fill("a") };
  const spectra = await openSpectra(many, { threads });
  const found: Float64Array[] = [];
  const keep = (k: number, sigma: Float64Array) => {
    found[k] = sigma;
  };
  await spectra.ofColumn({ gradients }, keep).finally(() => spectra.close());
  for (const [i, sigma] of found.entries()) {
    const one = gradients.subarray(i * width ** 2, (i + 1) * width ** 2);
    // Jacobi's method is independent, and slow.
    const expected = width < 100 ? jacobiSingularValues(one, width, width) : singularValues(one, width, width);
    for (let k = 0; k < width; k++) expect(Math.abs(sigma[k]! - expected[k]!)).toBeLessThan(1e-6 * expected[0]!);
  }
  expect(found).toHaveLength(states.length);
});

test("what fails in a use of singular values is told, once the rest is done", async () => {
  const spectra = await openSpectra({ runtime: nodeRuntime, hiddenSize: d, states }, { threads: 1 });
  const use = vi.fn(() => {
    throw new Error("of no use");
  });
  await expect(spectra.ofColumn(columnOf(30), use)).rejects.toThrow("of no use");
  await spectra.close();
});

test("tokens that say the same twice span no more, and none span nothing", async () => {
  const once = randomMatrix(3, d, 1);
  const twice = Float64Array.from([...once, ...once.map((x) => -2 * x)]);
  expect(orthonormalRows(Float32Array.from(twice), d)).toHaveLength(3 * d);
  const [sigma] = await spectraOf(columnOf(6, twice));
  expect(sigma!.filter((x) => x > 0)).toHaveLength(3);
  const nothing = { gradients: new Float32Array(3 * d * d), rowSpace: new Float32Array(0) };
  expect(await spectraOf(nothing)).toEqual(states.map(() => new Float64Array(d)));
});

test("a gradient that is not finite is refused once, while the next ones are on their way", async () => {
  const wide = 512;
  const gradients = new Float32Array(9 * wide * wide).fill(Number.NaN, 0, wide);
  const rowSpace = new Float32Array(wide).fill(1);
  const unhandled = vi.fn();
  process.on("unhandledRejection", unhandled);
  const spectra = await openSpectra({ runtime: nodeRuntime, hiddenSize: wide, states }, { threads: 2 });
  try {
    await expect(spectra.ofColumn({ gradients, rowSpace }, () => {})).rejects.toMatchObject({ code: "NOT_FINITE" });
    expect(unhandled).not.toHaveBeenCalled();
  } finally {
    process.off("unhandledRejection", unhandled);
    await spectra.close();
  }
});

test("the basis is orthonormal where rows are nearly parallel", () => {
  const first = randomMatrix(1, d, 7);
  const rows = Float32Array.from(
    { length: 4 * d },
    (_, at) => first[at % d]! + (at % d === Math.floor(at / d) ? 1e-4 : 0),
  );
  const basis = orthonormalRows(rows, d);
  expect(basis).toHaveLength(4 * d);
  for (let a = 0; a < 4; a++)
    for (let b = 0; b < 4; b++) {
      let product = 0;
      for (let c = 0; c < d; c++) product += basis[a * d + c]! * basis[b * d + c]!;
      expect(product).toBeCloseTo(a === b ? 1 : 0, 13);
    }
});
