import { expect, test } from "vitest";
import { GOALS, modelFor } from "../../test/support/pipeline-models.ts";
import { normals, relativeError, runOnce } from "../../test/support/tiny-runs.ts";
import { tinyBert } from "../../test/support/tiny-text.ts";
import { checkGraph, createBuilder, type Graph, tensorOf, tensorValues } from "../graph/index.ts";
import { HEAD_ALONE } from "../methods/index.ts";
import { exportModel } from "./export-model.ts";
import { checkQuantizable, quantizeExport, quantizeWeights } from "./quantize-export.ts";

const row = (...values: number[]) => Float32Array.from(values);
const feed = (data: Float32Array, shape: number[]) => ({ x: { dtype: "float32", shape, data } as const });

/** x · W for x [rows, 3] and W [3, 2]. */
function productOf(weights: Float32Array, dtype: "float32" | "float16" = "float32"): Graph {
  const g = createBuilder();
  const x = g.input("x", "float32", ["rows", 3]);
  const w = g.cast(g.constant(tensorOf(dtype, [3, 2], [...weights]), "w"), "float32");
  return g.toGraph([g.rename(g.matmul(x, w), "y").name]);
}

test("a product of numbers that both grids hold is exact", async () => {
  // Columns with largest numbers 63 and 6.3: steps 1 and 0.1. Rows with 127 and 2 · 127: steps 1 and 2.
  const graph = quantizeWeights(productOf(row(63, 0.1, -5, 6.3, 7, -0.2)));
  expect(graph.initializers.has("w")).toBe(false);
  expect([...tensorValues(graph.initializers.get("graft/int8/w/int8")!)]).toEqual([63, 1, -5, 63, 7, -2]);
  checkGraph(graph);
  const { y } = await runOnce(graph, feed(row(127, 1, -3, 254, 0, 10), [2, 3]));
  const expected = [127 * 63 - 5 - 21, 12.7 + 6.3 + 0.6, 254 * 63 + 70, 25.4 - 2];
  expect([...y!].map((value, k) => Math.abs(value - expected[k]!) < 1e-3)).toEqual([true, true, true, true]);
});

test.each(["float32", "float16"] as const)("weights of %s become int8, to within half a step", async (dtype) => {
  const weights = normals(6, 5);
  const x = normals(120, 6);
  const graph = productOf(weights, dtype);
  const quantized = quantizeWeights(graph);
  expect(
    [...quantized.initializers.values()].some((tensor) => tensor.dtype === dtype && tensor.shape.length === 2),
  ).toBe(false);
  const { y: float } = await runOnce(graph, feed(x, [40, 3]));
  const { y: int8 } = await runOnce(quantized, feed(x, [40, 3]));
  // Half a step is 1/126 of a column's largest, 1/254 of a row's.
  expect(relativeError(int8!, float!)).toBeLessThan(0.02);
  expect(relativeError(int8!, float!)).toBeGreaterThan(0);
});

test("what a row becomes does not depend on the rows beside it, and a row of zeros stays zero", async () => {
  const graph = quantizeWeights(productOf(normals(6, 5)));
  const one = (await runOnce(graph, feed(row(1, -2, 3), [1, 3]))).y!;
  const among = (await runOnce(graph, feed(row(1, -2, 3, 1e4, 0, 0, 0, 0, 0), [3, 3]))).y!;
  expect([...among.subarray(0, 2)]).toEqual([...one]);
  expect([...among.subarray(4)]).toEqual([0, 0]);
});

test("a table's rows have steps of their own; a weight with another use stays float", async () => {
  const g = createBuilder();
  const ids = g.input("ids", "int64", ["rows"]);
  const table = g.constant(tensorOf("float32", [2, 3], [127, -3, 0, 0.127, 0.001, -0.005]), "table");
  const graph = g.toGraph([g.rename(g.gather(table, ids, 0), "y").name]);
  const feeds = { ids: { dtype: "int64", shape: [2], data: BigInt64Array.from([1n, 0n]) } } as never;
  const { y } = await runOnce(quantizeWeights(graph), feeds);
  for (const [k, value] of [0.127, 0.001, -0.005, 127, -3, 0].entries()) expect(y![k]).toBeCloseTo(value, 6);

  const tied = createBuilder();
  const w = tied.constant(tensorOf("float32", [3, 3], normals(9, 1)), "w");
  const both = tied.matmul(tied.matmul(tied.input("x", "float32", ["rows", 3]), w), tied.transpose(w, [1, 0]));
  const kept = tied.toGraph([both.name]);
  expect(quantizeWeights(kept)).toBe(kept);
});

test("of a trained model the frozen weights become int8, adapters and head stay float", async () => {
  const model = modelFor(await tinyBert(), GOALS.classify);
  const graph = exportModel(quantizeExport(model));
  const floats = [...graph.initializers].filter(([, { dtype, shape }]) => dtype === "float32" && shape.length === 2);
  const names = floats.map(([name, { shape }]) => (shape[1] === 1 ? "scale of a table" : name));
  const trained = [...model.tensors].filter(([, { shape }]) => shape.length === 2).map(([name]) => name);
  // Positions are cut off at the text's length, not looked up.
  const positions = floats.filter(([, { shape }]) => String(shape) === "32,16").map(([name]) => name);
  expect(new Set(names)).toEqual(new Set([...trained, ...positions, "scale of a table"]));
  expect(positions).toHaveLength(1);
  expect(floats.length).toBeLessThan([...exportModel(model).initializers].length / 2);
  expect(checkGraph(graph).outputs).toEqual(["logits"]);

  const alone = quantizeExport({ ...model, spec: { ...model.spec, method: HEAD_ALONE } });
  expect(() => checkQuantizable(alone.backbone)).toThrow(expect.objectContaining({ code: "NOTHING_TO_QUANTIZE" }));
});
