import { describe, expect, test } from "vitest";
import { nodeRuntime } from "../../runtime/node.ts";
import { float, int, ints, string } from "../attributes.ts";
import { createBuilder } from "../builder.ts";
import type { Value } from "../builder-core.ts";
import { tensorOf } from "../tensors.ts";
import type { Attributes, Dim, Shape, ValueType } from "../types.ts";
import { inferTypes } from "./infer-types.ts";
import { broadcastAll } from "./rule.ts";

interface Case {
  /** Shape of the first operand, float32. */
  readonly x: readonly number[];
  readonly rest?: readonly (readonly number[] | number | undefined)[];
  readonly attributes?: Attributes;
  readonly outputs?: number;
}

/** Operators that the gradient rules' tests do not meet; numbers in `rest` are int64 constants. */
const cases: readonly (readonly [string, Case])[] = [
  ["ArgMax", { x: [2, 3, 4], attributes: { axis: int(-1), keepdims: int(0) } }],
  ["ArgMin", { x: [2, 3, 4], attributes: { axis: int(1) } }],
  ["Shape", { x: [2, 3, 4] }],
  ["Shape", { x: [2, 3, 4], attributes: { start: int(-2), end: int(10) } }],
  ["Size", { x: [2, 3] }],
  ["IsNaN", { x: [2, 3] }],
  ["TopK", { x: [2, 5], rest: [[3]], outputs: 2 }],
  ["TopK", { x: [4, 2], rest: [[1]], attributes: { axis: int(0) }, outputs: 2 }],
  ["MaxPool", { x: [1, 2, 5, 7], attributes: { kernel_shape: ints([2, 3]), strides: ints([2, 2]) } }],
  [
    "MaxPool",
    { x: [1, 1, 5, 5], attributes: { kernel_shape: ints([2, 2]), strides: ints([2, 2]), ceil_mode: int(1) } },
  ],
  ["MaxPool", { x: [1, 1, 7], attributes: { kernel_shape: ints([3]), pads: ints([1, 1]), dilations: ints([2]) } }],
  [
    "MaxPool",
    { x: [1, 1, 7], attributes: { kernel_shape: ints([3]), strides: ints([3]), auto_pad: string("SAME_UPPER") } },
  ],
  ["MaxPool", { x: [1, 1, 7], attributes: { kernel_shape: ints([3]), auto_pad: string("VALID") } }],
  [
    "AveragePool",
    {
      x: [1, 1, 4],
      attributes: { kernel_shape: ints([2]), strides: ints([2]), pads: ints([0, 1]), ceil_mode: int(1) },
    },
  ],
  ["GlobalMaxPool", { x: [2, 3, 4, 5] }],
  ["LpNormalization", { x: [2, 3] }],
  [
    "LayerNormalization",
    { x: [3, 2, 4], rest: [undefined], attributes: { axis: int(-2), epsilon: float(1e-3) }, outputs: 3 },
  ],
  ["ReduceProd", { x: [2, 3, 4], rest: [[0, -1]], attributes: { keepdims: int(0) } }],
  ["ReduceMax", { x: [2, 3] }],
  ["Dropout", { x: [2, 3], outputs: 2 }],
  ["Flatten", { x: [2, 3, 4], attributes: { axis: int(0) } }],
  ["Flatten", { x: [2, 3, 4], attributes: { axis: int(-1) } }],
  ["Squeeze", { x: [2, 1, 3, 1] }],
  [
    "Slice",
    {
      x: [5, 6],
      rest: [
        [4, -1],
        [-100, 0],
        [0, 1],
        [-3, -2],
      ],
    },
  ],
  ["Slice", { x: [5, 6], rest: [[4], [2], [0]] }],
  ["Split", { x: [7, 2], attributes: { num_outputs: int(3) }, outputs: 3 }],
  ["Gather", { x: [2, 3, 4], rest: [[0, 2]], attributes: { axis: int(-2) } }],
  ["Expand", { x: [3, 1], rest: [[2, 1, 4]] }],
  ["Tile", { x: [2, 3], rest: [[2, 3]] }],
  ["Pad", { x: [2, 3], rest: [[1, -1, 0, 2]] }],
  ["Reshape", { x: [2, 3, 4], rest: [[0, -1]] }],
  ["Reshape", { x: [0, 3], rest: [[3, 0]], attributes: { allowzero: int(1) } }],
  ["CumSum", { x: [2, 3], rest: [1] }],
];

test.each(cases)("%s %o is inferred as ONNX Runtime runs it", async (op, { x, rest = [], attributes, outputs = 1 }) => {
  const g = createBuilder();
  const operand = (given: readonly number[] | number | undefined): Value =>
    given === undefined
      ? g.filled(x.slice(-2), 1) // a scale
      : typeof given === "number"
        ? g.constant(tensorOf("int64", [], [given]))
        : g.integers(given);
  const values = g.ops(op, [g.input("x", "float32", x), ...rest.map(operand)], outputs, attributes);
  const session = await nodeRuntime.open(g.toGraph(values.map((value) => value.name)), { threads: 1 });
  const size = x.reduce((a, b) => a * b, 1);
  const results = await session.run({ x: { dtype: "float32", shape: x, data: new Float32Array(size).fill(1) } });
  await session.release();
  for (const { name, dtype, shape } of values)
    expect({ dtype, shape }).toEqual({ dtype: results[name]!.dtype, shape: results[name]!.shape });
});

test("other sources of integers: OneHot, Range, NonZero, ConstantOfShape", () => {
  const g = createBuilder();
  const number = (value: number) => g.constant(tensorOf("int64", [], [value]));
  const indices = g.input("indices", "int64", ["n", 3]);
  const values = g.constant(tensorOf("float32", [2], [0, 1]));
  expect(g.op("OneHot", [indices, g.integers([5]), values])).toMatchObject({ dtype: "float32", shape: ["n", 3, 5] });
  expect(g.op("OneHot", [indices, g.integers([5]), values], { axis: int(0) }).shape).toEqual([5, "n", 3]);
  expect(g.op("Range", [number(2), number(11), number(3)])).toMatchObject({ dtype: "int64", shape: [3] });
  expect(g.op("Range", [number(0), g.input("end", "int64", []), number(1)]).shape).toEqual([null]);
  expect(g.op("NonZero", [indices])).toMatchObject({ dtype: "int64", shape: [2, null] });
  expect(g.filled([2, 4], 3, "int64")).toMatchObject({ dtype: "int64", shape: [2, 4] });
});

describe("what is not known stays open", () => {
  const shapeOf = (op: string, x: Shape | undefined, ...rest: (readonly number[])[]) => {
    const g = createBuilder();
    const value = g.input("x", "float32", x ?? []);
    const operand = x ? value : g.op("Unheard", [value]);
    return g.op(op, [operand, ...rest.map((numbers) => g.integers(numbers))]).shape;
  };

  test.each<[string, Shape | undefined, (readonly number[])[], Shape | undefined]>([
    ["Neg", ["batch", 3], [], ["batch", 3]],
    ["Neg", undefined, [], undefined],
    ["ReduceSum", ["batch", 3], [[1]], ["batch", 1]],
    ["Reshape", ["batch", 6], [[0, 2, 3]], ["batch", 2, 3]],
    ["Reshape", ["batch", 6], [[-1, 3]], [null, 3]],
    ["Squeeze", ["batch", 1], [], undefined], // a batch of 1 would go too
    ["Squeeze", ["batch", 1], [[1]], ["batch"]],
    ["Unsqueeze", ["batch", 3], [[0, -1]], [1, "batch", 3, 1]],
    ["Slice", ["batch", 3], [[0], [2], [0]], [null, 3]],
    ["Tile", ["batch", 3], [[1, 2]], [null, 6]],
  ])("%s of [%s] with %j", (op, x, rest, expected) => expect(shapeOf(op, x, ...rest)).toEqual(expected));

  test("an operand that is computed", () => {
    const g = createBuilder();
    const [x, target] = [g.input("x", "float32", [2, 3]), g.input("target", "int64", [2])];
    expect(g.op("Reshape", [x, target])).toMatchObject({ dtype: "float32", shape: undefined });
    expect(g.op("Expand", [x, target]).shape).toBeUndefined();
    expect(g.op("ReduceSum", [x, target]).shape).toBeUndefined();
  });
});

test.each<[(Shape | undefined)[], Shape | undefined]>([
  [
    [[2, 3], [3]],
    [2, 3],
  ],
  [
    [[2, 1], [1, 3], []],
    [2, 3],
  ],
  [
    [
      ["n", 1],
      [1, 4],
    ],
    ["n", 4],
  ],
  [[["n"], ["n"]], ["n"]],
  [[["n"], ["m"]], [null]],
  [[["n"], [4]], [4]], // n is 4 or 1
  [[[null], [1]], [null as Dim]],
  [[[2], undefined], undefined],
])("%j broadcast to %j", (shapes, expected) => expect(broadcastAll(shapes)).toEqual(expected));

test("an operand of unknown shape, or of unknown type, leaves a broadcast result's shape unknown", () => {
  const scalar = { dtype: "float32", shape: [] } as const;
  const infer = (inputs: readonly (ValueType | undefined)[], op = "Mul") =>
    inferTypes(op, { attributes: {}, inputs, numbers: () => undefined, outputCount: 1 })[0];
  expect(infer([undefined, scalar])).toEqual({ dtype: "float32" });
  expect(infer([{ dtype: "float32" }, scalar])).toEqual({ dtype: "float32" });
  expect(infer([undefined, undefined])).toBeUndefined();
  expect(infer([undefined, undefined], "Less")).toEqual({ dtype: "bool" });
});
