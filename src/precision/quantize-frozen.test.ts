import { describe, expect, test } from "vitest";
import { tinyBackbones, tinyPreNorm } from "../../test/support/tiny-backbone.ts";
import { floats, normals, pixelsFor, relativeError, runOnce, trainedTensors } from "../../test/support/tiny-runs.ts";
import { adapterParameters, initialAdapters, insertAdapters, parsePlacement } from "../adapters/index.ts";
import { differentiate } from "../autodiff/index.ts";
import { type Backbone, traceBackbone } from "../backbone/index.ts";
import { checkGraph, createBuilder, type Graph, int, prune, type Tensor, tensorOf } from "../graph/index.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { int8Limit, quantizeFrozen } from "./index.ts";

const [ROWS, INNER, COLUMNS] = [5, 24, 7];
const x = normals(ROWS * INNER, 1).map((value, k) => value * (1 + Math.floor(k / INNER)));
const w = normals(INNER * COLUMNS, 2);
const tensor = (shape: readonly number[], data: Float32Array) => tensorOf("float32", shape, data);
/** Of this processor: sums of larger ones may be cut off. */
const limit = await int8Limit(nodeRuntime);
const all = { least: 0, limit };

/** The formula of `quantizeFrozen`, written out in float64; `w` is [inner, columns]. */
function int8Product(
  x: Float32Array,
  w: Float32Array,
  inner: number,
  columns: number,
  most: number = limit,
  zero = 128,
): number[] {
  const largest = (of: readonly number[]) => Math.max(...of.map(Math.abs));
  const column = (n: number) => Array.from({ length: inner }, (_, k) => w[k * columns + n]!);
  const scales = Array.from({ length: columns }, (_, n) => largest(column(n)) / most);
  return Array.from({ length: (x.length / inner) * columns }, (_, at) => {
    const [row, n] = [Math.floor(at / columns), at % columns];
    const values = [...x.subarray(row * inner, (row + 1) * inner)];
    const r = Math.max(Math.max(...values) / (255 - zero), -Math.min(...values) / (zero - 1));
    const whole = values.map((value, k) => Math.round(value / r) * Math.round(column(n)[k]! / scales[n]!));
    return whole.reduce((sum, value) => sum + value) * r * scales[n]!;
  });
}

const transpose = (data: Float32Array, rows: number, columns: number) =>
  Float32Array.from(data, (_, at) => data[(at % rows) * columns + Math.floor(at / rows)]!);

async function outputOf(
  graph: Graph,
  data: Float32Array = x,
  shape: readonly number[] = [ROWS, INNER],
): Promise<Float32Array> {
  checkGraph(graph);
  return Object.values(await runOnce(graph, { x: floats(shape, data) }))[0]!;
}

const ops = ({ nodes }: Graph, op: string) => nodes.filter((node) => node.op === op).length;

describe("a product with a frozen weight is the formula's", () => {
  test.each(([127, 63] as const).filter((most) => most <= limit))("MatMul, weights up to ±%i", async (most) => {
    const g = createBuilder();
    const input = g.input("x", "float32", ["batch", INNER]);
    g.rename(g.matmul(input, g.constant(tensor([INNER, COLUMNS], w), "w")), "y");
    const graph = quantizeFrozen(g.toGraph(["y"]), { ...all, limit: most });
    const expected = int8Product(x, w, INNER, COLUMNS, most);
    expect(relativeError(await outputOf(graph), expected)).toBeLessThan(1e-6);
    expect([ops(graph, "MatMul"), graph.initializers.has("w")]).toEqual([0, false]);
  });

  test("Gemm with a turned weight and a bias, and a row of zeros", async () => {
    const g = createBuilder();
    const input = g.input("x", "float32", ["batch", INNER]);
    const bias = normals(COLUMNS, 3);
    const turned = g.constant(tensor([COLUMNS, INNER], transpose(w, INNER, COLUMNS)), "w");
    g.rename(g.op("Gemm", [input, turned, g.constant(tensor([COLUMNS], bias))], { transB: int(1) }), "y");
    const graph = quantizeFrozen(g.toGraph(["y"]), all);
    const data = Float32Array.from(x, (value, k) => (k < INNER ? 0 : value));
    const expected = int8Product(x, w, INNER, COLUMNS).map(
      (value, k) => (k < COLUMNS ? 0 : value) + bias[k % COLUMNS]!,
    );
    expect(relativeError(await outputOf(graph, data), expected)).toBeLessThan(1e-6);
    expect(ops(graph, "Gemm")).toBe(0);
  });

  test("its gradient is a product with the turned weight, in scales of its own", async () => {
    const g = createBuilder();
    const y = g.matmul(g.input("h", "float32", [ROWS, INNER]), g.constant(tensor([INNER, COLUMNS], w)));
    const loss = g.reduceSum(g.mul(y, g.input("x", "float32", [ROWS, COLUMNS])), [0, 1], false);
    const [dh] = differentiate(g, loss, [g.value("h")]);
    const graph = quantizeFrozen(prune({ ...g.toGraph([dh!.name]), inputs: ["x"] }), all);
    const cotangent = normals(ROWS * COLUMNS, 4);
    const expected = int8Product(cotangent, transpose(w, INNER, COLUMNS), COLUMNS, INNER);
    expect(relativeError(await outputOf(graph, cotangent, [ROWS, COLUMNS]), expected)).toBeLessThan(1e-6);
    expect(ops(graph, "Transpose")).toBe(0);
  });

  test("what is never negative has most of the bytes", async () => {
    const g = createBuilder();
    const input = g.relu(g.input("x", "float32", ["batch", INNER]));
    g.rename(g.matmul(input, g.constant(tensor([INNER, COLUMNS], w))), "y");
    const positive = x.map((value) => Math.max(0, value));
    const expected = int8Product(positive, w, INNER, COLUMNS, limit, 32);
    expect(relativeError(await outputOf(quantizeFrozen(g.toGraph(["y"]), all)), expected)).toBeLessThan(1e-6);
  });

  test("weights in half precision count as what they stand for", async () => {
    const g = createBuilder();
    // Exact in half precision, and none lies halfway between two bytes.
    const halves = normals(INNER * COLUMNS, 6).map((value) => Math.round(value * 512) / 512);
    const weight = g.cast(g.constant(tensorOf("float16", [INNER, COLUMNS], [...halves]), "w"), "float32");
    g.rename(g.matmul(g.input("x", "float32", ["batch", INNER]), weight), "y");
    const graph = quantizeFrozen(g.toGraph(["y"]), all);
    expect(relativeError(await outputOf(graph), int8Product(x, halves, INNER, COLUMNS))).toBeLessThan(1e-6);
  });
});

test("products of two activations, small weights and scaled Gemms stay as they are", () => {
  const g = createBuilder();
  const input = g.input("x", "float32", [INNER, INNER]);
  const scores = g.matmul(input, g.transpose(input, [1, 0]));
  const small = g.matmul(input, g.constant(tensor([INNER, 4], normals(INNER * 4, 5))));
  const square = g.constant(tensor([INNER, INNER], normals(INNER * INNER, 6)));
  const scaled = g.op("Gemm", [input, square], { alpha: { type: "float", value: 0.5 } });
  const graph = g.toGraph([scores.name, small.name, scaled.name]);
  expect(quantizeFrozen(graph, { least: 1 + INNER * 4 })).toBe(graph);
});

test("products that read one activation share its bytes, and graphs of one cache their weights", () => {
  const g = createBuilder();
  const input = g.input("x", "float32", [ROWS, INNER]);
  const names = [2, 3, 4].map((seed) => g.matmul(input, g.constant(tensor([INNER, COLUMNS], normals(168, seed)))).name);
  const cache = { ids: new Map(), weights: new Map() };
  const [first, second] = [0, 1].map(() => quantizeFrozen(g.toGraph(names), { ...all, cache }));
  expect([ops(first!, "MatMulIntegerToFloat"), ops(first!, "QuantizeLinear")]).toEqual([3, 1]);
  const bytes = (graph: Graph) => [...graph.initializers.values()].filter(({ dtype }) => dtype === "int8");
  expect(bytes(first!)).toHaveLength(3);
  bytes(second!).forEach((weights, k) => {
    expect(weights).toBe(bytes(first!)[k]);
  });
});

describe.each(Object.entries(tinyBackbones))("%s", (_, open) => {
  const featuresOf = (graph: Graph, { features }: Backbone) => prune({ ...graph, outputs: [features] });

  test("an example's features have the same bits whatever its batch-mates", async () => {
    const backbone = await open();
    const graph = quantizeFrozen(featuresOf(backbone.graph, backbone), all);
    // Per block q, k, v (one product or three), output, up, down; and the patches.
    expect(ops(graph, "MatMulIntegerToFloat")).toBeGreaterThanOrEqual(9);
    const [name, five] = Object.entries(pixelsFor(backbone, 5, 3))[0]!;
    const size = five.data.length / 5;
    const run = async (examples: readonly number[], mates = 1) => {
      const data = Float32Array.from(
        examples.flatMap((k, place) =>
          [...(five.data as Float32Array).subarray(k * size, (k + 1) * size)].map((v) => (place === 0 ? v : v * mates)),
        ),
      );
      const shape = [examples.length, ...five.shape.slice(1)];
      const [features] = Object.values(await runOnce(graph, { [name]: floats(shape, data) }));
      return features!.subarray(0, features!.length / examples.length);
    };
    const alone = await run([2]);
    expect(await run([2, 0, 1, 3, 4])).toEqual(alone);
    expect(await run([2, 3], 50)).toEqual(alone);
    expect(await run([3])).not.toEqual(alone);
  });

  test("adapters that were not trained change no bit, recurrent ones included", async () => {
    const backbone = await open();
    const feeds = pixelsFor(backbone, 4, 6);
    const adapted = (tensors: ReadonlyMap<string, Tensor>) => {
      const g = createBuilder(backbone.graph);
      const constants = new Map([...tensors].map(([key, each]) => [key, g.constant(each, key)]));
      const values = insertAdapters(g, backbone.graph, backbone, placement, constants);
      return quantizeFrozen(prune(g.toGraph([values.get(backbone.features)!.name])), all);
    };
    const placement = parsePlacement("0-1,1-1,3-0,2-4@r4", { states: backbone.states.length });
    const plain = await runOnce(quantizeFrozen(featuresOf(backbone.graph, backbone), all), feeds);
    const fresh = await runOnce(adapted(initialAdapters(placement, backbone.hiddenSize, 1)), feeds);
    expect(Object.values(fresh)[0]).toEqual(Object.values(plain)[0]);
    const parameters = adapterParameters(placement, backbone.hiddenSize);
    const trained = await runOnce(adapted(trainedTensors(parameters, 1)), feeds);
    expect(Object.values(trained)[0]).not.toEqual(Object.values(plain)[0]);
  });
});

test("no float copy of a quantised weight is left in a graph that runs forward and backward", async () => {
  const backbone = await tinyPreNorm();
  const traced = prune({ ...(await traceBackbone(backbone, { batchSize: 2 })), outputs: [backbone.features] });
  const g = createBuilder(traced);
  const loss = g.reduceSum(g.mul(g.value(backbone.features), g.value(backbone.features)), [0, 1, 2], false);
  const [dx] = differentiate(g, loss, [g.value(backbone.states[0]!)]);
  const graph = quantizeFrozen(prune(g.toGraph([dx!.name])), all);
  const left = [...graph.initializers].filter(([, { dtype, shape }]) => dtype === "float32" && shape.length === 2);
  expect(left.map(([name]) => name).filter((name) => /\.weight$/.test(name))).toEqual([]);
  const bytes = [...graph.initializers.values()].filter(({ dtype, shape }) => dtype === "int8" && shape.length === 2);
  // Two blocks of four matrices each way, the patches' forward alone.
  expect(bytes).toHaveLength(2 * 4 * 2 + 1);
});
