import { readFileSync } from "node:fs";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { GraftError, random } from "../../base/index.ts";
import {
  asFloat32,
  asNumbers,
  attribute,
  checkGraph,
  constantTensor,
  decodeModel,
  encodeModel,
  type Graph,
  prune,
  type Tensor,
  tensorOf,
  tensorValues,
  usedValues,
} from "../index.ts";
import { ModelProtoSchema } from "./gen/onnx_pb.js";

const fixture = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../../../test/fixtures/onnx/${name}`, import.meta.url)));
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const initializer = (graph: Graph, name: string) => graph.initializers.get(name) as Tensor;

describe("tensors written by ONNX's own helper", () => {
  const graph = decodeModel(fixture("types.onnx"));
  const expected = JSON.parse(new TextDecoder().decode(fixture("types.json"))) as Record<string, string>;
  const cases = Object.entries(expected).flatMap(([dtype, bytes]) =>
    ["raw", "typed"].map((form) => [`${dtype}_${form}`, dtype, bytes] as const),
  );

  test.each(cases)("%s has NumPy's bytes", (name, dtype, bytes) => {
    expect(initializer(graph, name)).toMatchObject({ dtype, shape: dtype.endsWith("int4") ? [5] : [2, 3] });
    expect(hex(initializer(graph, name).bytes)).toBe(bytes);
  });

  test("strings, scalars and empty tensors", () => {
    expect(initializer(graph, "string_typed").strings).toEqual([
      new TextEncoder().encode("café"),
      Uint8Array.of(0xff, 1),
    ]);
    expect(initializer(graph, "scalar_typed")).toMatchObject({ shape: [] });
    expect(asNumbers(initializer(graph, "scalar_typed"))).toEqual([2.5]);
    expect(initializer(graph, "empty_raw")).toMatchObject({ shape: [0, 3], bytes: new Uint8Array(0) });
  });

  test("values come out as numbers of their kind", () => {
    expect(tensorValues(initializer(graph, "int64_raw"))).toEqual(
      BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n, 0n, 1n, (2n ** 63n - 1n) / 3n, -(2n ** 62n)),
    );
    expect(Array.from(asFloat32(initializer(graph, "float16_typed")))).toEqual([
      0,
      -1.5,
      3.25,
      -0.0999755859375,
      65504,
      2 ** -24,
    ]);
    expect(asNumbers(initializer(graph, "bfloat16_typed")).slice(0, 5)).toEqual([0, -1.5, 3.25, -0.10009765625, 65536]);
    expect(asNumbers(initializer(graph, "int4_raw"))).toEqual([-8, 7, 0, -1, 3]);
    expect(asNumbers(initializer(graph, "uint4_typed"))).toEqual([0, 15, 8, 1, 3]);
    expect(asNumbers(initializer(graph, "bool_typed"))).toEqual([1, 0, 1, 0, 0, 1]);
  });

  test("raw data is viewed, not copied", () => {
    const bytes = fixture("types.onnx");
    const { buffer } = initializer(decodeModel(bytes), "float32_raw").bytes;
    expect(buffer).toBe(bytes.buffer);
  });

  test("survive being written, inline and outside", () => {
    for (const external of ["none", "per-tensor", "one-file"] as const) {
      const again = roundTrip(graph, { external, threshold: 1 });
      for (const [name, { dtype, shape, bytes, strings }] of graph.initializers) {
        expect(initializer(again, name)).toMatchObject({ dtype, shape, ...(strings && { strings }) });
        expect(hex(initializer(again, name).bytes)).toBe(hex(bytes));
      }
    }
  });
});

describe("a model with a little of everything", () => {
  const bytes = fixture("kitchen.onnx");
  const graph = decodeModel(bytes, { name: "kitchen.onnx" });

  test("is understood", () => {
    expect(graph).toMatchObject({ name: "kitchen", inputs: ["x"], outputs: ["y", "y16"] });
    expect(graph.nodes.map(({ op }) => op).join(" ")).toBe(
      "Constant MatMul If Twice Constant ReduceSum Constant Mul Cast",
    );
    expect(graph.opsets).toEqual(new Map([["", 18]]).set("graft.test", 1));
    expect(graph.types.get("y16")).toEqual({ dtype: "float16", shape: ["n", 1] });
    expect(graph.types.get("h")).toEqual({ dtype: "float32", shape: ["n", 4] });
    expect(graph.metadata.get("licence")).toBe("Apache-2.0");
    expect(attribute(graph.nodes[8]!, "to", "int")).toBe(10);
  });

  test("untouched, it is written byte by byte as it was", () => {
    expect(hex(encodeModel(graph).bytes)).toBe(hex(bytes));
  });

  test("changed, it keeps what was not changed: descriptions, functions, metadata of nodes", () => {
    const nodes = graph.nodes.map((node) => (node.name === "scale" ? { ...node, name: "scaled" } : { ...node }));
    const text = Buffer.from(encodeModel({ ...graph, nodes }).bytes).toString("latin1");
    for (const kept of ["first layer", "layer.0", "which axis", "the answer", "weights", "a test", "kitchen sink"]) {
      expect(text).toContain(kept);
    }
    for (const kept of ["Twice", "make.py", "SCALE_TENSOR", "then_branch", "shift", "scaled"]) {
      expect(text).toContain(kept);
    }
  });

  test("constants are found in initializers and in nodes, values of any form", () => {
    expect(constantTensor(graph, "w")?.shape).toEqual([3, 4]);
    expect(asNumbers(constantTensor(graph, "axes") as Tensor)).toEqual([1]);
    expect(constantTensor(graph, "axes")).toMatchObject({ dtype: "int64", shape: [1] });
    expect(constantTensor(graph, "half")).toMatchObject({ dtype: "float32", shape: [] });
    expect(asNumbers(constantTensor(graph, "flag") as Tensor)).toEqual([1]);
    expect(constantTensor(graph, "h")).toBeUndefined();
  });

  test("what a subgraph takes from around it counts as read", () => {
    const branch = graph.nodes.find(({ name }) => name === "branch");
    expect(new Set(usedValues(branch!))).toEqual(new Set(["flag", "h"]));
    expect(prune(graph)).toBe(graph);
  });

  test("a value whose type was changed is described anew, its documentation kept", () => {
    const types = new Map(graph.types).set("y", { dtype: "float32", shape: [2, 1] });
    const again = decodeModel(encodeModel({ ...graph, types }).bytes);
    expect(again.types.get("y")).toEqual({ dtype: "float32", shape: [2, 1] });
    expect(Buffer.from(encodeModel(again).bytes).toString("latin1")).toContain("the answer");
  });
});

test("weights that an old file lists as inputs are no inputs, and the file written says so", () => {
  const graph = decodeModel(fixture("old.onnx"));
  expect(graph.inputs).toEqual(["x"]);
  expect([...graph.initializers.keys()]).toEqual(["w"]);
  const again = decodeModel(encodeModel(graph).bytes);
  expect(again.inputs).toEqual(["x"]);
  // ir_version, the first field: from 4 on, weights need not be inputs.
  expect([...encodeModel(graph).bytes.subarray(0, 2)]).toEqual([8, 4]);
});

test("fields that no schema knows survive, at every level", () => {
  const unknown = (text: string) => [{ no: 999, wireType: 2, data: Uint8Array.of(text.length, ...Buffer.from(text)) }];
  const message = create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [{ version: 18n }],
    graph: {
      name: "g",
      node: [{ input: ["x", "w"], output: ["y"], opType: "Add", attribute: [{ name: "a", i: 1n, type: 2 }] }],
      initializer: [{ name: "w", dims: [1n], dataType: 1, rawData: new Uint8Array(4) }],
      input: [{ name: "x", type: { value: { case: "tensorType", value: { elemType: 1 } } } }],
      output: [{ name: "y", type: { value: { case: "sequenceType", value: {} } } }],
    },
  });
  message.$unknown = unknown("in-model");
  message.graph!.$unknown = unknown("in-graph");
  message.graph!.node[0]!.$unknown = unknown("in-node");
  message.graph!.node[0]!.attribute[0]!.$unknown = unknown("in-attribute");
  message.graph!.initializer[0]!.$unknown = unknown("in-tensor");
  message.graph!.input[0]!.$unknown = unknown("in-value");
  const bytes = toBinary(ModelProtoSchema, message);
  const graph = decodeModel(bytes);
  const text = Buffer.from(encodeModel(graph).bytes).toString("latin1");
  for (const place of ["model", "graph", "node", "attribute", "tensor", "value"]) expect(text).toContain(`in-${place}`);
  expect(graph.types.has("y")).toBe(false); // a sequence is not modelled,
  expect(text.length).toBe(bytes.length + 2); // but kept; only the domain "" of the operator set is now spelt out
});

test("int64's largest value survives, integers beyond 2^53 stay as they are", () => {
  const message = create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [{ domain: "", version: 18n }],
    graph: {
      name: "g",
      node: [
        {
          output: ["y"],
          opType: "Constant",
          attribute: [
            { name: "end", type: 2, i: 2n ** 63n - 1n },
            { name: "odd", type: 2, i: 2n ** 53n + 1n },
            { name: "ints", type: 7, ints: [-(2n ** 63n), 2n ** 63n - 1n, -1n] },
            { name: "blob", type: 3, s: Uint8Array.of(0xff, 0xfe) },
          ],
        },
      ],
      output: [{ name: "y", type: { value: { case: "tensorType", value: { elemType: 7 } } } }],
    },
  });
  const bytes = toBinary(ModelProtoSchema, message);
  const graph = decodeModel(bytes);
  expect(graph.nodes[0]!.attributes).toMatchObject({
    end: { type: "int", value: 2 ** 63 },
    odd: { type: "opaque" },
    ints: { type: "ints", value: [-(2 ** 63), 2 ** 63, -1] },
    blob: { type: "opaque" },
  });
  expect(hex(encodeModel(graph).bytes)).toBe(hex(bytes));
});

describe("external entries", () => {
  const big = tensorOf("float32", [64, 64], new Float32Array(64 * 64).fill(0.5));
  const small = tensorOf("float32", [4], [1, 2, 3, 4]);
  const graph: Graph = {
    name: "g",
    opsets: new Map([["", 20]]),
    inputs: ["x"],
    outputs: ["y"],
    nodes: [{ op: "MatMul", domain: "", name: "", inputs: ["x", "big"], outputs: ["y"], attributes: {} }],
    initializers: new Map([
      ["small", small],
      ["big", big],
      ["big2", big],
    ]),
    types: new Map(["x", "y"].map((name) => [name, { dtype: "float32" }])),
    metadata: new Map(),
  };

  test("hold the tensors' own bytes, one path each", () => {
    const { bytes, external } = encodeModel(graph, { external: "per-tensor", threshold: 65 });
    expect(external.map(({ offset, data }) => [offset, data])).toEqual([
      [0, big.bytes],
      [0, big.bytes],
    ]);
    expect(external[0]!.data.buffer).toBe(big.bytes.buffer);
    expect(new Set(external.map(({ path }) => path)).size).toBe(2);
    expect(bytes.length).toBeLessThan(500);
  });

  test("in one file lie at aligned offsets without overlap", () => {
    const { external } = encodeModel(graph, { external: "one-file", threshold: 1, location: "data" });
    expect(external.map(({ path, offset }) => [path, offset])).toEqual([
      ["data", 0],
      ["data", 4096],
      ["data", 4096 + 16384],
    ]);
  });

  test("inline, big weights lie where a plain protobuf writer puts them", () => {
    const documented = { ...big, origin: { kind: "tensor", proto: { docString: "a note", metadataProps: [] } } };
    const { bytes } = encodeModel({ ...graph, initializers: new Map(graph.initializers).set("big", documented) });
    expect(Buffer.from(bytes).toString("latin1")).toContain("a note");
    expect(hex(toBinary(ModelProtoSchema, fromBinary(ModelProtoSchema, bytes)))).toBe(hex(bytes));
  });

  test("are absent by default", () => {
    expect(encodeModel(graph).external).toEqual([]);
    expect(hex(initializer(decodeModel(encodeModel(graph).bytes), "big").bytes)).toBe(hex(big.bytes));
  });
});

test("shuffled nodes are sorted again, whatever the order", () => {
  const graph = decodeModel(fixture("kitchen.onnx"));
  for (let seed = 0; seed < 20; seed++) {
    const nodes = [...random(seed).permutation(graph.nodes.length)].map((k) => graph.nodes[k]!);
    const sorted = decodeModel(encodeModel({ ...graph, nodes }).bytes);
    expect(new Set(sorted.nodes.map(({ outputs }) => outputs[0]))).toEqual(
      new Set(graph.nodes.map(({ outputs }) => outputs[0])),
    );
    checkGraph(sorted);
  }
});

test("a file cut off anywhere, or with any byte changed, is read or refused with a GraftError", () => {
  const outcomes = { read: 0, refused: 0 };
  const attempt = (bytes: Uint8Array) => {
    try {
      const graph = decodeModel(bytes, { name: "x.onnx" });
      encodeModel(graph);
      outcomes.read++;
    } catch (error) {
      if (!(error instanceof GraftError)) throw error;
      expect(error.message).toContain("x.onnx");
      expect(error.message).not.toContain("\n");
      outcomes.refused++;
    }
  };
  for (const name of ["kitchen.onnx", "types.onnx"]) {
    const whole = fixture(name);
    for (let length = 0; length < whole.length; length++) attempt(whole.subarray(0, length));
    const next = random(11);
    for (let k = 0; k < 1000; k++) {
      const bytes = whole.slice();
      for (let flips = 1 + next.int(3); flips > 0; flips--) bytes[next.int(bytes.length)] = next.int(256);
      attempt(bytes);
    }
  }
  expect(outcomes.read).toBeGreaterThan(100);
  expect(outcomes.refused).toBeGreaterThan(1500);
});

function roundTrip(graph: Graph, options: Parameters<typeof encodeModel>[1]): Graph {
  const { bytes, external } = encodeModel(graph, options);
  return decodeModel(bytes, {
    externalData: (location) => ({
      size: Math.max(...external.filter(({ path }) => path === location).map((e) => e.offset + e.data.byteLength)),
      read: (offset) => external.find((entry) => entry.path === location && entry.offset === offset)!.data,
    }),
  });
}
