import { beforeAll, expect, test } from "vitest";
import { TINY, tinyPreNorm, tinyTask } from "../../test/support/tiny-backbone.ts";
import type { Backbone } from "../backbone/index.ts";
import { type EdgeCoupling, edgeCoupling } from "./edge-coupling.ts";
import { edgeColumns } from "./edge-gradients.ts";
import { openProbe } from "./probe.ts";

const d = TINY.hiddenSize;
const n = 2 * TINY.blocks + 1;
const task = tinyTask({ train: 24 });
const options = { examples: 12, threads: 1, seed: 3 };
const gradients = new Map<string, Float32Array>();
let backbone: Backbone;
let coupling: EdgeCoupling;

beforeAll(async () => {
  backbone = await tinyPreNorm();
  coupling = await edgeCoupling(backbone, task, options);
  const { indices, head } = await openProbe(backbone, task, options);
  const visit = ({ to, gradients: column }: { to: number; gradients: Float32Array }) => {
    for (let from = 0; from < n; from++) gradients.set(`${from}-${to}`, column.slice(from * d * d, (from + 1) * d * d));
  };
  await edgeColumns(backbone, task, indices, head, visit, { threads: 1 });
});

const edges = Array.from({ length: n * n }, (_, k) => ({ from: Math.floor(k / n), to: k % n }));
type Edge = (typeof edges)[number];

function exact(a: Edge, b: Edge): number {
  const [x, y] = [a, b].map(({ from, to }) => gradients.get(`${from}-${to}`)!) as [Float32Array, Float32Array];
  const dot = (u: Float32Array, v: Float32Array) => u.reduce((sum, value, k) => sum + value * v[k]!, 0);
  return dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y));
}

/** Of all pairs of edges, the root of the mean squared difference, and the largest. */
function errorsOf({ cosine }: EdgeCoupling) {
  const errors = edges.flatMap((a, i) => edges.slice(i + 1).map((b) => cosine(a, b) - exact(a, b)));
  return {
    typical: Math.sqrt(errors.reduce((sum, x) => sum + x * x, 0) / errors.length),
    largest: Math.max(...errors.map(Math.abs)),
  };
}

test("cosines are those of the gradients, as far as sketches of that size tell", async () => {
  // 256 numbers in 4,096 places hardly meet: (1 + cos²) / 4096 is a standard deviation of 0.02.
  const { typical, largest } = errorsOf(coupling);
  expect(typical).toBeLessThan(0.022);
  expect(largest).toBeLessThan(0.1);
  const small = errorsOf(await edgeCoupling(backbone, task, { ...options, size: 64 }));
  expect(small.typical).toBeLessThan(Math.sqrt(2 / 64));
  expect(small.typical).toBeGreaterThan(typical);
});

test("an edge is like itself, pairs are alike in both orders, and neighbours differ in how alike they are", () => {
  const [a, b] = [edges[1]!, edges[7]!];
  expect(coupling.cosine(a, a)).toBeCloseTo(1, 5);
  expect(coupling.cosine(a, b)).toBe(coupling.cosine(b, a));
  const all = edges.slice(1).map((edge) => coupling.cosine(edges[0]!, edge));
  expect(Math.max(...all) - Math.min(...all)).toBeGreaterThan(0.1);
});
