import { expect, test } from "vitest";
import { fixtureGraph } from "../../test/support/fixtures.ts";
import { asNumbers, type Builder, createBuilder, type Graph, int, tensorOf, type Value } from "../graph/index.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { trace } from "./index.ts";

/** Trace a graph of one float input x [batch, 4] bound to [3, 4]. */
function traced(build: (g: Builder, x: Value) => Value): Promise<Graph> {
  const g = createBuilder();
  const y = build(g, g.input("x", "float32", ["batch", 4]));
  g.rename(y, "y");
  return trace(g.toGraph(["y"]), { x: [3, 4] }, nodeRuntime);
}

const ops = (graph: Graph) => graph.nodes.map(({ op }) => op);

test("shape arithmetic is folded to its value, the product with a weight is not", async () => {
  const graph = await traced((g, x) => {
    const batch = g.gather(g.op("Shape", [x]), g.integers([0]), 0);
    const target = g.concat([batch, g.integers([2, 2])], 0);
    const weight = g.constant(tensorOf("float32", [4], [1, 2, 3, 4]), "weight");
    const scale = g.sqrt(g.cast(g.op("Size", [x]), "float32")); // √12
    return g.op("Reshape", [g.mul(x, g.mul(weight, scale)), target]);
  });
  expect(ops(graph)).toEqual(["Mul", "Mul", "Reshape", "Identity"]);
  expect(asNumbers(graph.initializers.get(graph.nodes[2]!.inputs[1]!)!)).toEqual([3, 2, 2]);
  const [weight, scale] = graph.nodes[0]!.inputs;
  expect(weight).toBe("weight");
  expect(asNumbers(graph.initializers.get(scale!)!)[0]).toBeCloseTo(Math.sqrt(12), 6);
  expect(graph.types.get("y")).toEqual({ dtype: "float32", shape: [3, 2, 2] });
});

test("a large value made from sizes stays a node with folded inputs", async () => {
  const graph = await traced((g, x) => {
    const zeros = g.op("ConstantOfShape", [g.mul(g.op("Shape", [x]), g.integers([200, 200]))]); // [600, 800], 1.9 MB
    return g.add(g.reduceSum(x, [0, 1]), zeros);
  });
  expect(ops(graph)).toContain("ConstantOfShape");
  expect(ops(graph)).not.toContain("Shape");
});

test("what inference leaves open is seen in a run", async () => {
  // The runtime says [] of a scalar as of an unknown number of dimensions.
  const graph = await traced((g, x) => g.add(x, g.reduceSum(x, [0, 1], false)));
  expect(graph.nodes.map(({ outputs }) => graph.types.get(outputs[0]!)!.shape)).toEqual([[], [3, 4], [3, 4]]);
});

test("what only names copies goes; the graph's own outputs stay", async () => {
  const graph = await traced((g, x) => g.relu(g.op("Dropout", [g.op("Identity", [x])])));
  expect(ops(graph)).toEqual(["Relu", "Identity"]);
  expect(graph.nodes[0]!.inputs).toEqual(["x"]);
  expect(graph.outputs).toEqual(["y"]);
});

test.each<[string, string, (g: Builder, x: Value) => Value]>([
  ["TRACE_DATA_DEPENDENT", "NonZero", (g, x) => g.cast(g.op("NonZero", [x]), "float32")],
  [
    "TRACE_DATA_DEPENDENT",
    "Expand",
    (g, x) => g.op("Expand", [x, g.op("Cast", [g.reduceMax(x, [0], false)], { to: int(7) })]),
  ],
  [
    "TRACE_TRAINING_MODE",
    "Dropout",
    (g, x) => g.op("Dropout", [x, g.scalar(0.5), g.constant(tensorOf("bool", [], [1]))]),
  ],
])("%s names the %s node", async (code, op, build) => {
  await expect(traced(build)).rejects.toThrow(expect.objectContaining({ code, thing: expect.stringContaining(op) }));
});

test("branches on shapes are decided", async () => {
  const graph = fixtureGraph("torch-encoder-branches-ts17");
  const { nodes, types } = await trace(graph, { x: [2, 7, 5] }, nodeRuntime);
  expect(graph.nodes.filter(({ op }) => op === "If")).toHaveLength(4);
  expect(nodes.filter(({ op }) => op === "If")).toEqual([]);
  expect(types.get(graph.outputs[0]!)!.shape).toEqual([2, 3]);
});

test("inputs must be bound to shapes the file allows", async () => {
  const graph = fixtureGraph("bert-fixed-ts17");
  await expect(trace(graph, {}, nodeRuntime)).rejects.toThrow(
    /"input_ids": declared as int64\[2, 6\], bound to nothing/,
  );
});

test("an aborted trace stops", async () => {
  const signal = AbortSignal.abort(new Error("enough"));
  await expect(
    trace(fixtureGraph("vit-ts17"), { pixel_values: [1, 3, 8, 8] }, nodeRuntime, { signal }),
  ).rejects.toThrow("enough");
});
