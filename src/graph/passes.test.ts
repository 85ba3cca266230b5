import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { random } from "../base/index.ts";
import {
  type Attribute,
  asNumbers,
  checkGraph,
  constantsToInitializers,
  constantTensor,
  type Graph,
  type Node,
  prune,
  scalarTensor,
  sortNodes,
  type Tensor,
  tensorOf,
} from "./index.ts";

function node(op: string, inputs: string[], outputs: string[], attributes: Record<string, Attribute> = {}): Node {
  return { op, domain: "", name: "", inputs, outputs, attributes };
}

function graph(parts: Partial<Graph>): Graph {
  return {
    name: "g",
    opsets: new Map([["", 20]]),
    inputs: ["x"],
    outputs: ["y"],
    nodes: [],
    initializers: new Map(),
    types: new Map(),
    metadata: new Map(),
    ...parts,
  };
}

describe("prune", () => {
  const used = [node("Relu", ["x"], ["a"]), node("Split", ["a"], ["b", "unread"]), node("Add", ["b", "w"], ["y"])];
  const w = scalarTensor("float32", 1);
  const whole = graph({ nodes: used, initializers: new Map([["w", w]]) });

  test("returns a graph that needs all it has", () => {
    expect(prune(whole)).toBe(whole);
  });

  test("drops dead nodes, also chains of them, unread weights, and their types; order is kept", () => {
    const type = { dtype: "float32" } as const;
    const pruned = prune(
      graph({
        inputs: ["x", "spare"],
        nodes: [node("Neg", ["x"], ["d1"]), used[0]!, node("Add", ["d1", "v"], ["d2"]), used[1]!, used[2]!],
        initializers: new Map([
          ["v", w],
          ["w", w],
        ]),
        types: new Map(["x", "spare", "d1", "d2", "a", "v", "w", "unread"].map((name) => [name, type])),
      }),
    );
    expect(pruned.nodes).toEqual(used);
    expect(pruned.inputs).toEqual(["x", "spare"]);
    expect([...pruned.initializers.keys()]).toEqual(["w"]);
    expect([...pruned.types.keys()]).toEqual(["x", "spare", "a", "w", "unread"]);
  });

  test("drops a type that describes nothing", () => {
    expect(prune({ ...whole, types: new Map([["gone", { dtype: "float32" }]]) }).types.size).toBe(0);
  });
});

describe("sortNodes", () => {
  test("returns a graph that is in order", () => {
    const sorted = graph({ nodes: [node("Relu", ["x"], ["a"]), node("Relu", ["a"], ["y"])] });
    expect(sortNodes(sorted)).toBe(sorted);
  });

  test("moves a node only as far as it must", () => {
    const [a, b, c, y] = ["a", "b", "c", "y"].map((name, k) => node("Add", k ? ["a", "x"] : ["x", "x"], [name]));
    expect(sortNodes(graph({ nodes: [b!, c!, a!, y!] })).nodes).toEqual([a, b, c, y]);
  });

  test("puts any shuffled chain of 20,000 nodes in order, without running out of stack", () => {
    const count = 20_000;
    const chain = Array.from({ length: count }, (_, k) => node("Relu", [k ? `v${k - 1}` : "x"], [`v${k}`]));
    const nodes = [...random(5).permutation(count)].map((k) => chain[k]!);
    expect(sortNodes(graph({ nodes, outputs: ["y"] })).nodes).toEqual(chain);
  });

  test("names a node and a value of a cycle", () => {
    const nodes = [node("Add", ["x", "b"], ["a"]), node("Relu", ["a"], ["b"])];
    expect(() => sortNodes(graph({ nodes }))).toThrow(/cycle through its input "(a|b)"/);
  });

  test("every shuffle of every graph passes checkGraph after it", () => {
    const anyNodes = fc.tuple(fc.array(fc.tuple(fc.nat(), fc.nat()), { minLength: 1, maxLength: 30 }), fc.nat());
    fc.assert(
      fc.property(anyNodes, ([choices, seed]) => {
        const value = (k: number, limit: number) => (k % (limit + 1) === limit ? "x" : `v${k % (limit + 1)}`);
        const nodes = choices.map(([i, j], k) => node("Add", [value(i, k), value(j, k)], [`v${k}`]));
        const shuffled = [...random(seed).permutation(nodes.length)].map((k) => nodes[k]!);
        checkGraph(sortNodes(graph({ nodes: shuffled, outputs: [`v${nodes.length - 1}`] })));
      }),
      { seed: 1, numRuns: 200 },
    );
  });
});

describe("checkGraph", () => {
  const good = graph({
    nodes: [node("Add", ["x", "w"], ["y"])],
    initializers: new Map([["w", scalarTensor("float32", 1)]]),
  });

  test("returns a legal graph", () => {
    expect(checkGraph(good)).toBe(good);
  });

  test.each<[string, Partial<Graph>, RegExp]>([
    [
      "a value nothing makes",
      { nodes: [node("Add", ["x", "v"], ["y"])] },
      /Add node "y": graph "g": reads "v", which nothing makes/,
    ],
    [
      "nodes out of order",
      { nodes: [node("Relu", ["a"], ["y"]), node("Relu", ["x"], ["a"])] },
      /reads "a" before Relu node "a" makes it/,
    ],
    [
      "a value made twice",
      { nodes: [node("Relu", ["x"], ["y"]), node("Neg", ["x"], ["y"])] },
      /"y".*second time, by Neg/,
    ],
    ["a node that makes an input", { nodes: [node("Relu", ["x"], ["x"])], outputs: ["x"] }, /"x".*second time/],
    ["an input that is also a weight", { inputs: ["x", "w"] }, /"w".*second time, by an initializer/],
    ["the same input twice", { inputs: ["x", "x"] }, /"x".*second time/],
    ["an output nothing makes", { outputs: ["z"] }, /output "z"/],
    ["a missing operator set", { opsets: new Map([["com.acme", 1]]) }, /"ai.onnx" is not imported/],
    [
      "a weight whose data does not fit",
      { initializers: new Map([["w", { dtype: "float32", shape: [2], bytes: new Uint8Array(4) }]]) },
      /initializer "w": float32\[2\] takes 8 bytes and has 4/,
    ],
  ])("refuses %s", (_, parts, message) => {
    expect(() => checkGraph({ ...good, ...parts })).toThrow(message);
  });

  test("omitted inputs and outputs are legal", () => {
    const nodes = [node("Clip", ["x", "", "w"], ["y", ""])];
    expect(() => checkGraph({ ...good, nodes })).not.toThrow();
  });
});

describe("constants", () => {
  const forms: [string, Record<string, Attribute>, Partial<Tensor>, number[] | string[]][] = [
    [
      "value",
      { value: { type: "tensor", value: tensorOf("uint8", [2], [3, 4]) } },
      { dtype: "uint8", shape: [2] },
      [3, 4],
    ],
    ["value_float", { value_float: { type: "float", value: 0.5 } }, { dtype: "float32", shape: [] }, [0.5]],
    ["value_floats", { value_floats: { type: "floats", value: [1, 2] } }, { dtype: "float32", shape: [2] }, [1, 2]],
    ["value_int", { value_int: { type: "int", value: 7 } }, { dtype: "int64", shape: [] }, [7]],
    ["value_ints", { value_ints: { type: "ints", value: [] } }, { dtype: "int64", shape: [0] }, []],
    ["value_string", { value_string: { type: "string", value: "é" } }, { dtype: "string", shape: [] }, ["é"]],
    [
      "value_strings",
      { value_strings: { type: "strings", value: ["a", "b"] } },
      { dtype: "string", shape: [2] },
      ["a", "b"],
    ],
  ];

  test.each(forms)("%s is understood, in its node and as an initializer", (_, attributes, expected, values) => {
    const nodes = [node("Constant", [], ["c"], attributes), node("Op", ["c"], ["y"])];
    const before = graph({ nodes });
    const after = constantsToInitializers(before);
    expect(after.nodes).toEqual([nodes[1]]);
    for (const found of [constantTensor(before, "c"), after.initializers.get("c"), constantTensor(after, "c")]) {
      expect(found).toMatchObject(expected);
      const read = found!.strings?.map((bytes) => new TextDecoder().decode(bytes)) ?? asNumbers(found!);
      expect(read).toEqual(values);
    }
    expect(constantTensor(before, "y")).toBeUndefined();
  });

  test("an output stays a node, and so does what is no dense constant; then the graph is returned", () => {
    const sparse = node("Constant", [], ["s"], { sparse_value: { type: "opaque", value: {} } });
    const before = graph({ nodes: [node("Constant", [], ["y"], forms[0]![1]), sparse] });
    expect(constantsToInitializers(before)).toBe(before);
  });
});
