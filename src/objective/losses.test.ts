import { expect, test } from "vitest";
import { floats, normals, runOnce } from "../../test/support/tiny-runs.ts";
import { differentiate } from "../autodiff/index.ts";
import { type Builder, createBuilder, type Value } from "../graph/index.ts";
import {
  binaryCrossEntropy,
  COSINE_SCALE,
  cosent,
  crossEntropy,
  inBatchContrastive,
  squaredError,
  tripletMargin,
} from "./losses.ts";

/** Expected values are the losses' formulas in float64. */
type Inputs = Readonly<Record<string, { readonly shape: readonly number[]; readonly data: Float32Array }>>;

async function lossOf(inputs: Inputs, loss: (g: Builder, values: Readonly<Record<string, Value>>) => Value) {
  const g = createBuilder();
  const values = Object.fromEntries(
    Object.entries(inputs).map(([name, { shape }]) => [name, g.input(name, "float32", shape)]),
  );
  g.rename(loss(g, values), "loss");
  const feeds = Object.fromEntries(
    Object.entries(inputs).map(([name, { shape, data }]) => [name, floats(shape, data)]),
  );
  return (await runOnce(g.toGraph(["loss"]), feeds)).loss![0]!;
}

const weights = { shape: [4], data: Float32Array.of(1, 2, 0, 1) };

test("binary cross-entropy of independent classes, also far from 0", async () => {
  const z = [0.3, -1.2, 40, -40, 2, 2, -0.5, 7];
  const t = [1, 0, 1, 1, 0, 1, 0, 0];
  const term = (k: number) => -t[k]! * Math.log(1 / (1 + Math.exp(-z[k]!))) + (1 - t[k]!) * Math.log1p(Math.exp(z[k]!));
  const rows = [0, 1, 2, 3].map((row) => (term(2 * row) + term(2 * row + 1)) / 2);
  const found = await lossOf(
    { z: { shape: [4, 2], data: Float32Array.from(z) }, t: { shape: [4, 2], data: Float32Array.from(t) }, weights },
    (g, { z, t, weights }) => binaryCrossEntropy(g, z!, t!, weights!),
  );
  expect(found).toBeCloseTo((rows[0]! + 2 * rows[1]! + rows[3]!) / 4, 4);
});

test("squared error: the mean over outputs, then over examples by weight", async () => {
  const y = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  const t = Float32Array.of(0, 2, 3, 2, 0, 0, 7, 5);
  const found = await lossOf({ y: { shape: [4, 2], data: y }, t: { shape: [4, 2], data: t }, weights }, (g, v) =>
    squaredError(g, v.y!, v.t!, v.weights!),
  );
  expect(found).toBeCloseTo((1 * 0.5 + 2 * 2 + 1 * 4.5) / 4, 5);
});

const d = 5;
/** Rows of length 1. */
function unitRows(count: number): Float32Array {
  const rows = normals(count * d, 3);
  for (let row = 0; row < count; row++) {
    const part = rows.subarray(row * d, (row + 1) * d);
    const length = Math.hypot(...part);
    for (let k = 0; k < d; k++) part[k]! /= length;
  }
  return rows;
}
const cosine = (rows: Float32Array, a: number, b: number) =>
  Array.from({ length: d }, (_, k) => rows[a * d + k]! * rows[b * d + k]!).reduce((x, y) => x + y);

test.each([2, 3])("in-batch contrast over %i views; an example of weight 0 is nobody's negative", async (views) => {
  const rows = unitRows(4 * views);
  const candidates = [...Array(4 * (views - 1)).keys()].map((k) => 4 + k).filter((k) => k % 4 !== 2);
  const term = (i: number) =>
    Math.log(candidates.reduce((sum, k) => sum + Math.exp(COSINE_SCALE * cosine(rows, i, k)), 0)) -
    COSINE_SCALE * cosine(rows, i, 4 + i);
  const found = await lossOf({ x: { shape: [4 * views, d], data: rows }, weights }, (g, { x, weights }) =>
    inBatchContrastive(g, x!, views, weights!),
  );
  expect(found).toBeCloseTo((term(0) + 2 * term(1) + term(3)) / 4, 4);
});

test("triplets by margin", async () => {
  const rows = unitRows(12);
  const term = (i: number) => Math.max(0, cosine(rows, i, 8 + i) - cosine(rows, i, 4 + i) + 0.5);
  const found = await lossOf({ x: { shape: [12, d], data: rows }, weights }, (g, { x, weights }) =>
    tripletMargin(g, x!, weights!, 0.5),
  );
  expect(found).toBeCloseTo((term(0) + 2 * term(1) + term(3)) / 4, 5);
});

test("CoSENT over the pairs whose scores differ; ties and examples of weight 0 are no pairs", async () => {
  const rows = unitRows(8);
  const scores = [0.2, 0.9, 1, 0.2];
  const cosines = [0, 1, 2, 3].map((i) => cosine(rows, i, 4 + i));
  let sum = 1;
  for (const i of [0, 1, 3])
    for (const j of [0, 1, 3]) if (scores[i]! > scores[j]!) sum += Math.exp(COSINE_SCALE * (cosines[j]! - cosines[i]!));
  const found = await lossOf(
    { x: { shape: [8, d], data: rows }, s: { shape: [4, 1], data: Float32Array.from(scores) }, weights },
    (g, { x, s, weights }) => cosent(g, x!, s!, weights!),
  );
  expect(found).toBeCloseTo(Math.log(sum), 4);
});

test("where nothing counts, as in a batch of texts without a tag, loss and gradient are 0", async () => {
  const inputs = {
    z: { shape: [2, 3], data: Float32Array.of(1, -2, 3, 0, 5, 40) },
    t: { shape: [2, 3], data: new Float32Array(6) },
  };
  const nothing = { shape: [2], data: new Float32Array(2) };
  const found = await lossOf({ ...inputs, weights: nothing }, (g, { z, t, weights }) => {
    const loss = crossEntropy(g, z!, t!, weights!);
    const [gradient] = differentiate(g, loss, [z!]);
    return g.add(loss, g.reduceSum(g.mul(gradient!, gradient!), [0, 1], false));
  });
  expect(found).toBe(0);
});
