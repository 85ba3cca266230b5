import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { fixtureGraph, fixtureNames, fixtureRecord, recordedFeeds } from "../../test/support/fixtures.ts";
import { random } from "../base/index.ts";
import type { HostTensor } from "../runtime/index.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { float, int, ints, string } from "./attributes.ts";
import { checkGraph } from "./check-graph.ts";
import { decodeModel } from "./onnx/decode-model.ts";
import { AttributeProto_AttributeType, GraphProtoSchema, ModelProtoSchema } from "./onnx/gen/onnx_pb.js";
import { tensorOf } from "./tensors.ts";
import type { Attribute, Attributes, DataType, Graph, Tensor } from "./types.ts";
import { upgrade } from "./upgrade.ts";
import type { upgradeSteps } from "./upgrade-steps.ts";

interface Case {
  readonly opset: number;
  /** Fed with random numbers; the sizes are written as open dimensions. */
  readonly x: readonly number[];
  readonly dtype?: "float32" | "float64";
  /** Further operands, constant. */
  readonly rest?: readonly (Tensor | undefined)[];
  readonly attributes?: Attributes;
  readonly outputs?: number;
  /** Keep the file's types out, as files without value descriptions do: a value then has no known rank. */
  readonly untyped?: boolean;
}

const floats = (value: readonly number[]): Attribute => ({ type: "floats", value });
const int64 = (...values: number[]) => tensorOf("int64", [values.length], values);
const float32 = (values: readonly number[], shape: readonly number[] = [values.length]) =>
  tensorOf("float32", shape, values);

const flattened = [7, 11, 12].flatMap((opset): Case[] => [
  { opset, x: [2, 3, 4] }, // axis 1: [2, 12]
  { opset, x: [2, 3, 4], attributes: { axis: int(2) } },
  { opset, x: [2, 3, 4], attributes: { axis: int(2) }, untyped: true },
  { opset, x: [2, 3], attributes: { axis: int(0) } },
  ...(opset > 10
    ? [
        { opset, x: [2, 3, 4], attributes: { axis: int(-2) } },
        { opset, x: [3, 4], attributes: { axis: int(-1) } },
      ]
    : []),
]);
const reductions = [7, 11, 12].flatMap((opset): Case[] => [
  { opset, x: [2, 3, 4], attributes: { axes: ints([1, 2]), keepdims: int(0) } },
  { opset, x: [2, 3, 4], attributes: { axes: ints(opset > 10 ? [-1] : [2]) } },
  { opset, x: [2, 3], attributes: { keepdims: int(0) } },
]);
const reductionsTo17: readonly Case[] = [
  ...reductions,
  { opset: 17, x: [2, 3, 4], attributes: { axes: ints([0, -1]) } },
];

const cases: Record<keyof typeof upgradeSteps, readonly Case[]> = {
  BatchNormalization: [7, 9, 13].map((opset) => ({
    opset,
    x: [2, 3, 4],
    rest: [float32([1, 2, 3]), float32([0.1, 0.2, 0.3]), float32([-1, 0, 1]), float32([1, 2, 0.5])],
    attributes: { epsilon: float(0.01), ...(opset < 9 && { spatial: int(1) }) },
  })),
  Clip: [
    { opset: 7, x: [2, 5], attributes: { min: float(-0.5), max: float(0.5) } },
    { opset: 10, x: [2, 5], attributes: { max: float(0.25) } },
    { opset: 10, x: [2, 5], attributes: { min: float(0.25) }, untyped: true },
    { opset: 9, x: [2, 5] },
    { opset: 12, x: [2, 5], rest: [float32([-0.1], []), float32([0.1], [])] },
  ],
  DFT: [
    { opset: 17, x: [2, 4, 3, 1] },
    { opset: 17, x: [2, 4, 3, 1], attributes: { axis: int(2) } },
  ],
  Dropout: [7, 10, 11, 12].map((opset) => ({
    opset,
    x: [2, 5],
    ...(opset < 12 && { attributes: { ratio: float(0.3) } }),
  })),
  GridSample: ["bilinear", "bicubic", "nearest"].map((mode) => ({
    opset: 16,
    x: [1, 2, 4, 4],
    rest: [float32([-0.9, -0.3, 0.2, 0.5, 0.7, -0.6, 0.1, 0.95], [1, 2, 2, 2])],
    attributes: { mode: string(mode) },
  })),
  Hardmax: flattened,
  LogSoftmax: flattened,
  Pad: [
    { opset: 7, x: [2, 3], attributes: { pads: ints([1, 0, 2, 1]) } },
    { opset: 10, x: [2, 3], attributes: { pads: ints([1, 0, 2, 1]), value: float(1.5) } },
    { opset: 10, x: [2, 3], attributes: { pads: ints([1, 0, 2, 1]), value: float(1.5) }, untyped: true },
    { opset: 9, x: [2, 3], attributes: { pads: ints([0, 1, 0, 1]), mode: string("reflect") } },
    { opset: 13, x: [2, 3], rest: [int64(0, 1, 0, 1)] },
  ],
  ReduceL1: reductionsTo17,
  ReduceL2: reductionsTo17,
  ReduceLogSum: reductionsTo17,
  ReduceLogSumExp: reductionsTo17,
  ReduceMax: reductionsTo17,
  ReduceMean: reductionsTo17,
  ReduceMin: reductionsTo17,
  ReduceProd: reductionsTo17,
  ReduceSum: [...reductions, { opset: 13, x: [2, 3], rest: [int64(-1)] }],
  ReduceSumSquare: reductionsTo17,
  Resize: [
    { opset: 10, x: [1, 1, 3, 3], rest: [float32([1, 1, 2, 2])] },
    { opset: 10, x: [1, 1, 5, 6], rest: [float32([1, 1, 0.5, 0.6])] },
    { opset: 10, x: [1, 1, 3, 3], rest: [float32([1, 1, 2, 1.5])], attributes: { mode: string("linear") } },
    { opset: 11, x: [1, 1, 4, 4], rest: [float32([]), float32([1, 1, 2, 2])], attributes: { mode: string("cubic") } },
    {
      opset: 11,
      x: [1, 1, 4, 4],
      rest: [float32([]), float32([]), int64(1, 1, 7, 5)],
      attributes: { mode: string("linear") },
    },
    {
      opset: 13,
      x: [1, 1, 4, 4],
      rest: [undefined, undefined, int64(1, 1, 7, 5)],
      attributes: { mode: string("linear") },
    },
  ],
  RoiAlign: [10, 16].map((opset) => ({
    opset,
    x: [1, 2, 6, 6],
    rest: [float32([0, 0, 4, 4, 1, 2, 5, 3], [2, 4]), int64(0, 0)],
    attributes: { output_height: int(2), output_width: int(2), sampling_ratio: int(2) },
  })),
  Scan: [], // refused, see below
  Scatter: [9, 10].map((opset) => ({
    opset,
    x: [3, 3],
    rest: [tensorOf("int64", [2, 3], [1, 0, 2, 0, 2, 1]), float32([1, 2, 3, 4, 5, 6], [2, 3])],
  })),
  Slice: [
    { opset: 7, x: [4, 5], attributes: { starts: ints([1, 0]), ends: ints([3, -1]) } },
    { opset: 9, x: [4, 5], attributes: { starts: ints([-3]), ends: ints([1000]), axes: ints([1]) } },
    { opset: 10, x: [4, 5], rest: [int64(3), int64(-100), int64(0), int64(-2)] },
  ],
  Softmax: flattened,
  Split: [
    { opset: 7, x: [2, 6], attributes: { axis: int(1), split: ints([1, 2, 3]) }, outputs: 3 },
    { opset: 11, x: [6, 2], outputs: 3 },
    { opset: 13, x: [2, 6], rest: [int64(4, 2)], attributes: { axis: int(-1) }, outputs: 2 },
    { opset: 17, x: [4, 2], attributes: { axis: int(0) }, outputs: 2 },
  ],
  Squeeze: [
    { opset: 7, x: [2, 1, 3, 1], attributes: { axes: ints([1, 3]) } },
    { opset: 11, x: [2, 1, 3, 1], attributes: { axes: ints([-1]) } },
    { opset: 12, x: [2, 1, 3, 1] },
    { opset: 13, x: [2, 1, 3, 1], rest: [int64(1)] },
  ],
  TopK: [
    { opset: 7, x: [2, 5], attributes: { k: int(3) }, outputs: 2 },
    { opset: 10, x: [2, 5], rest: [int64(2)], attributes: { axis: int(1) }, outputs: 2 },
  ],
  Unsqueeze: [
    { opset: 7, x: [2, 3], attributes: { axes: ints([0, 3]) } },
    { opset: 12, x: [2, 3], attributes: { axes: ints([-1]) } },
    { opset: 13, x: [2, 3], rest: [int64(1)] },
  ],
  Upsample: [
    { opset: 7, x: [1, 1, 3, 3], attributes: { scales: floats([1, 1, 2, 3]) } },
    { opset: 9, x: [1, 1, 3, 3], rest: [float32([1, 1, 2, 2])], attributes: { mode: string("linear") } },
  ],
};

for (const [op, list] of Object.entries(cases))
  test.each(list)(`${op} of opset $opset gives the same in opset 20 (%#)`, async (given) => {
    const graph = graphOf(op, given);
    const raised = upgrade(graph);
    expect(raised.opsets.get("")).toBe(20);
    const feed = { x: normal(given.x) };
    const [old, now] = [await run(graph, feed), await run(checkGraph(raised), feed)];
    expect(Object.keys(old)).toHaveLength(given.outputs ?? 1);
    expect(now).toEqual(old); // to the bit
  });

test("a flattened softmax follows a size that changes from run to run", async () => {
  const graph = graphOf("Softmax", { opset: 11, x: [2, 3, 4] });
  const raised = upgrade(graph);
  expect(raised.nodes.map((node) => node.op)).toEqual(["Identity", "Shape", "Flatten", "Softmax", "Reshape"]);
  for (const shape of [
    [1, 3, 4],
    [5, 2, 7],
  ])
    expect(await run(raised, { x: normal(shape) })).toEqual(await run(graph, { x: normal(shape) }));
});

test("softmax along the last axis stays one node", () => {
  const raised = upgrade(graphOf("Softmax", { opset: 11, x: [2, 3, 4], attributes: { axis: int(2) } }));
  expect(raised.nodes.map((node) => node.op)).toEqual(["Identity", "Softmax"]);
});

test("a graph of opset 20 or newer is returned as it is", () => {
  for (const opset of [20, 23]) {
    const graph = graphOf("Identity", { opset, x: [2] });
    expect(upgrade(graph)).toBe(graph);
  }
});

test("the argument is not touched, other operator sets keep their versions", () => {
  const graph = { ...graphOf("Squeeze", { opset: 11, x: [1, 2], attributes: { axes: ints([0]) } }) };
  const opsets = new Map(graph.opsets).set("com.microsoft", 1);
  const before = structuredClone({ nodes: graph.nodes, opsets });
  const raised = upgrade({ ...graph, opsets });
  expect({ nodes: graph.nodes, opsets }).toEqual(before);
  expect([...raised.opsets]).toEqual([
    ["", 20],
    ["com.microsoft", 1],
  ]);
});

describe("refused, with operator, node and versions", () => {
  const refusal = (graph: Graph) => {
    try {
      upgrade(graph);
    } catch (error) {
      return String((error as Error).message);
    }
    return "nothing";
  };

  test("a graph older than opset 7", () => {
    expect(refusal(graphOf("Add", { opset: 6, x: [2], rest: [float32([1, 2])] }))).toMatch(/written in opset 6;/);
  });

  test("forms without a successor", () => {
    const spatial = graphOf("BatchNormalization", {
      opset: 7,
      x: [2, 3],
      rest: [1, 2, 3, 4].map(() => float32([1, 1, 1])),
      attributes: { spatial: int(0) },
    });
    expect(refusal(spatial)).toBe(
      'BatchNormalization node "node": it cannot be raised from opset 8 to 9: spatial = 0 has no successor. ' +
        "Export the model again with opset 9 or newer",
    );
    expect(refusal(graphOf("Scan", { opset: 8, x: [2] }))).toMatch(/^Scan node "node": .* opset 8 to 9/);
    const mixed = { opset: 10, x: [1, 1, 4, 4], rest: [float32([1, 1, 2, 0.5])] };
    expect(refusal(graphOf("Resize", mixed))).toMatch(/both shrink and grow/);
  });

  test("a subgraph with an operator whose definition changed", () => {
    const branch = (opType: string) => ({
      name: "b",
      node: [{ opType, input: ["x"], output: ["o"] }],
      output: [{ name: "o" }],
    });
    const model = (opType: string) => {
      const g = create(GraphProtoSchema, branch(opType));
      const type = AttributeProto_AttributeType.GRAPH;
      const attributes = ["then_branch", "else_branch"].map((name) => ({ name, type, g }));
      const node = { opType: "If", name: "choice", input: ["c"], output: ["y"], attribute: attributes };
      const scalar = (name: string, elemType: number) => ({
        name,
        type: { value: { case: "tensorType" as const, value: { elemType, shape: { dim: [] } } } },
      });
      const graph = { name: "g", node: [node], input: [scalar("c", 9), scalar("x", 1)], output: [scalar("y", 1)] };
      const proto = create(ModelProtoSchema, { irVersion: 7n, opsetImport: [{ version: 11n }], graph });
      return decodeModel(toBinary(ModelProtoSchema, proto));
    };
    expect(refusal(model("Softmax"))).toMatch(/^If node "choice": its subgraph holds Softmax, .* opset 13/);
    expect(refusal(model("Neg"))).toBe("nothing");
  });
});

test.each(fixtureNames())("%s computes the same in opset 20", async (name) => {
  const graph = fixtureGraph(name);
  const feeds = recordedFeeds(fixtureRecord(name));
  expect(await run(checkGraph(upgrade(graph)), feeds)).toEqual(await run(graph, feeds));
});

/** An Identity, and behind it one call of `op`. */
function graphOf(
  op: string,
  { opset, x, rest = [], attributes = {}, outputs = 1, untyped = false, dtype = "float32" }: Case,
): Graph {
  const names = rest.map((tensor, k) => (tensor ? `operand${k + 1}` : ""));
  const made = Array.from({ length: outputs }, (_, k) => `y${k}`);
  const type = { dtype, shape: x.map((_, axis) => `size${axis}`) } as const;
  const outputTypes = made.map((name, k) => [name, { dtype: outputTypeOf(op, k, dtype) }] as const);
  return {
    name: "old",
    opsets: new Map([["", opset]]),
    inputs: ["x"],
    outputs: made,
    nodes: [
      { op: "Identity", domain: "", name: "front", inputs: ["x"], outputs: ["inner"], attributes: {} },
      { op, domain: "", name: "node", inputs: ["inner", ...names], outputs: made, attributes },
    ],
    initializers: new Map(rest.flatMap((tensor, k) => (tensor ? [[names[k]!, tensor] as const] : []))),
    types: new Map([["x", type], ...(untyped ? [] : [["inner", type] as const]), ...outputTypes]),
    metadata: new Map(),
  };
}

const outputTypeOf = (op: string, output: number, dtype: DataType): DataType =>
  op === "TopK" && output === 1 ? "int64" : dtype;

function normal(shape: readonly number[]): HostTensor {
  const draw = random(3, ...shape);
  const size = shape.reduce((a, b) => a * b, 1);
  return { dtype: "float32", shape, data: Float32Array.from({ length: size }, () => draw.normal()) };
}

async function run(graph: Graph, feeds: Record<string, HostTensor>): Promise<Record<string, HostTensor>> {
  const session = await nodeRuntime.open(graph, { threads: 1, optimize: false });
  const results = await session.run(feeds);
  await session.release();
  return results;
}
