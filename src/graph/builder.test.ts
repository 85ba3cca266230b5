import { describe, expect, test } from "vitest";
import { float, int, tensor } from "./attributes.ts";
import { createBuilder, staticShape } from "./builder.ts";
import { checkGraph } from "./check-graph.ts";
import { tensorOf } from "./tensors.ts";
import type { Attribute, Graph, Node } from "./types.ts";

const withCode = (code: string) => expect.objectContaining({ code });

describe("the same call is the same value", () => {
  test("whoever makes it, and however its attributes are ordered", () => {
    const g = createBuilder();
    const x = g.input("x", "float32", [2, 3]);
    expect(g.tanh(x)).toEqual(g.tanh(x));
    expect(g.op("Gemm", [x, x], { transB: int(1), alpha: float(2) })).toEqual(
      g.op("Gemm", [x, x], { alpha: float(2), transB: int(1) }),
    );
    expect(g.nodes()).toHaveLength(2);
  });

  test("a graph built upon counts, its constants too", () => {
    const first = createBuilder();
    const x = first.input("x", "float32", [2]);
    const sum = first.add(x, first.scalar(1));
    const g = createBuilder(first.toGraph([sum.name]));
    expect(g.add(g.value("x"), g.scalar(1)).name).toBe(sum.name);
    expect(g.nodes()).toHaveLength(1);
  });

  test("omitted operands at the end do not matter, in the middle they do", () => {
    const g = createBuilder();
    const x = g.input("x", "float32", [2]);
    const one = g.scalar(1);
    expect(g.op("Clip", [x, one, undefined])).toEqual(g.op("Clip", [x, one]));
    expect(g.op("Clip", [x, undefined, one])).not.toEqual(g.op("Clip", [x, one]));
  });

  test.each<[string, Attribute, Attribute]>([
    ["infinities", float(Number.POSITIVE_INFINITY), float(Number.NEGATIVE_INFINITY)],
    ["NaN", float(Number.NaN), float(Number.POSITIVE_INFINITY)],
    ["signed zeros", float(0), float(-0)],
    ["types", float(1), int(1)],
    ["tensors", tensor(tensorOf("float32", [1], [0])), tensor(tensorOf("int32", [1], [0]))],
    ["shapes", tensor(tensorOf("float32", [1, 2], [0, 0])), tensor(tensorOf("float32", [2], [0, 0]))],
  ])("%s are told apart", (_, a, b) => {
    const g = createBuilder();
    const x = g.input("x", "float32", [2]);
    expect(g.op("Custom", [x], { value: a })).not.toEqual(g.op("Custom", [x], { value: b }));
  });

  test("names with commas are told apart", () => {
    const g = createBuilder();
    const [a, b, both] = ["a", "b", "a,b"].map((name) => g.input(name, "float32", [2]));
    expect(g.op("Sum", [a, b])).not.toEqual(g.op("Sum", [both]));
  });

  test("random numbers are drawn anew", () => {
    const g = createBuilder();
    const x = g.input("x", "float32", [2]);
    expect(g.op("RandomNormalLike", [x])).not.toEqual(g.op("RandomNormalLike", [x]));
  });
});

describe("constants", () => {
  test("small equal ones are one, large ones are not compared", () => {
    const g = createBuilder();
    expect(g.scalar(2)).toEqual(g.scalar(2));
    expect(g.scalar(2)).not.toEqual(g.scalar(2, "float64"));
    const large = tensorOf("float32", [1000], new Float32Array(1000));
    expect(g.constant(large)).not.toEqual(g.constant(large));
    expect(g.constant(large, "wish").name).toBe("wish");
    expect(g.constant(large, "wish").name).not.toBe("wish");
  });

  test("every numeric type makes a scalar", () => {
    const g = createBuilder();
    for (const dtype of ["float16", "bfloat16", "float32", "float64", "int8", "int32", "int64", "bool"] as const)
      expect(g.scalar(1, dtype)).toMatchObject({ dtype, shape: [] });
    expect(Array.from(g.constantOf(g.scalar(1, "float16"))!.bytes)).toEqual([0x00, 0x3c]); // 1 in binary16
  });

  test("Constant nodes are read like initializers", () => {
    const node: Node = {
      op: "Constant",
      domain: "",
      name: "",
      inputs: [],
      outputs: ["target"],
      attributes: { value_ints: { type: "ints", value: [3, 2] } },
    };
    const base: Graph = { ...createBuilder().toGraph([]), nodes: [node] };
    const g = createBuilder(base);
    expect(g.numbersOf(g.value("target"))).toEqual([3, 2]);
    expect(g.op("Reshape", [g.input("x", "float32", [6]), g.value("target")]).shape).toEqual([3, 2]);
  });

  test("numbers of a computed value are refused", () => {
    const g = createBuilder();
    expect(() => g.numbersOf(g.input("n", "int64", [1]))).toThrow(withCode("NOT_CONSTANT"));
  });
});

describe("names", () => {
  test("a taken name is refused, an unknown one too", () => {
    const g = createBuilder();
    const x = g.input("x", "float32", [2]);
    expect(() => g.input("x", "float32", [2])).toThrow(withCode("VALUE_TAKEN"));
    expect(() => g.rename(g.tanh(x), "x")).toThrow(withCode("VALUE_TAKEN"));
    expect(() => g.value("y")).toThrow(withCode("VALUE_UNKNOWN"));
    expect(g.rename(x, "y")).toEqual({ name: "y", dtype: "float32", shape: [2] });
  });

  test("new names avoid those of the base", () => {
    const first = createBuilder();
    first.tanh(first.input("x", "float32", [2]));
    const g = createBuilder(first.toGraph(["x"]));
    g.sigmoid(g.tanh(g.tanh(g.value("x"))));
    expect(() => checkGraph(g.toGraph(["x"]))).not.toThrow();
    expect(g.nodes()).toHaveLength(3);
  });
});

test("the base is not touched, a graph taken out does not grow", () => {
  const base = createBuilder().toGraph([]);
  const g = createBuilder(base);
  const x = g.input("x", "float32", [2]);
  const taken = g.toGraph(["x"]);
  g.add(x, g.scalar(1));
  expect([base.nodes.length, base.inputs.length, base.initializers.size]).toEqual([0, 0, 0]);
  expect([taken.nodes.length, taken.initializers.size]).toEqual([0, 0]);
});

test("an operator set too old to build upon is refused", () => {
  const old = { ...createBuilder().toGraph([]), opsets: new Map([["", 13]]) };
  expect(() => createBuilder(old)).toThrow(withCode("OPSET"));
});

test("another domain is imported when first used", () => {
  const g = createBuilder();
  g.op("FusedMatMul", [g.input("x", "float32", [2, 2]), g.value("x")], {}, { domain: "com.microsoft" });
  expect(g.toGraph([]).opsets.get("com.microsoft")).toBe(1);
});

describe("operators as methods", () => {
  test("nothing is emitted for what does nothing", () => {
    const g = createBuilder();
    const x = g.input("x", "float32", [2, 3]);
    for (const same of [
      g.reshape(x, [2, 3]),
      g.expand(x, [2, 3]),
      g.transpose(x, [0, 1]),
      g.cast(x, "float32"),
      g.concat([x], 0),
      g.split(x, 0, [2])[0],
      g.unsqueeze(x, []),
      g.squeeze(x, []),
      g.reduceSum(x, []),
    ])
      expect(same).toEqual(x);
    expect(g.nodes()).toHaveLength(0);
  });

  test("shapes follow", () => {
    const g = createBuilder();
    const x = g.input("x", "float32", [2, 3, 4]);
    expect(staticShape(g.reduceMean(x, [1], false))).toEqual([2, 4]);
    expect(staticShape(g.slice(x, 2, 1, 3))).toEqual([2, 3, 2]);
    expect(g.split(x, -1, [1, 3]).map(staticShape)).toEqual([
      [2, 3, 1],
      [2, 3, 3],
    ]);
    expect(g.less(x, g.scalar(0))).toMatchObject({ dtype: "bool", shape: [2, 3, 4] });
    expect(() => staticShape(g.input("open", "float32", ["n", null]))).toThrow(/its shape \[n, \?\] is not fixed/);
  });
});
