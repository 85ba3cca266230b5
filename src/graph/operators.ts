import { float, int, ints } from "./attributes.ts";
import type { BuilderCore, Value } from "./builder-core.ts";
import { dataTypeCode } from "./onnx/data-types.ts";
import { scalarTensor, tensorOf } from "./tensors.ts";
import type { DataType, Shape } from "./types.ts";

/** ONNX operators as methods, so that a formula reads like one. Opset 20 forms. */
export type Operators = ReturnType<typeof operators>;

export function operators(core: BuilderCore) {
  const { op } = core;

  const scalar = (x: number, dtype: DataType = "float32"): Value => core.constant(scalarTensor(numeric(dtype), x));
  const integers = (values: readonly number[]): Value => core.constant(tensorOf("int64", [values.length], values));

  const reduce =
    (name: string) =>
    (x: Value, axes: readonly number[], keepdims = true): Value =>
      axes.length === 0 ? x : op(name, [x, integers(axes)], { keepdims: int(keepdims ? 1 : 0) });

  const unary = (name: string) => (x: Value) => op(name, [x]);
  const binary = (name: string) => (x: Value, y: Value) => op(name, [x, y]);

  function reshape(x: Value, shape: readonly number[]): Value {
    return sameShape(x.shape, shape) ? x : op("Reshape", [x, integers(shape)]);
  }

  return {
    scalar,
    integers,
    add: binary("Add"),
    sub: binary("Sub"),
    mul: binary("Mul"),
    div: binary("Div"),
    pow: binary("Pow"),
    max: binary("Max"),
    min: binary("Min"),
    less: binary("Less"),
    greater: binary("Greater"),
    equal: binary("Equal"),
    neg: unary("Neg"),
    exp: unary("Exp"),
    log: unary("Log"),
    sqrt: unary("Sqrt"),
    reciprocal: unary("Reciprocal"),
    tanh: unary("Tanh"),
    erf: unary("Erf"),
    sigmoid: unary("Sigmoid"),
    sign: unary("Sign"),
    sin: unary("Sin"),
    cos: unary("Cos"),
    relu: unary("Relu"),
    /** x · Φ(x); `tanh` chooses the approximation. */
    gelu: (x: Value, approximate: "none" | "tanh" = "none") =>
      op("Gelu", [x], approximate === "none" ? {} : { approximate: { type: "string", value: approximate } }),
    matmul: binary("MatMul"),
    where: (condition: Value, x: Value, y: Value) => op("Where", [condition, x, y]),
    cast: (x: Value, to: DataType) => (x.dtype === to ? x : op("Cast", [x], { to: int(dataTypeCode(to)) })),
    transpose: (x: Value, perm: readonly number[]) =>
      perm.every((axis, k) => axis === k) ? x : op("Transpose", [x], { perm: ints(perm) }),
    reshape,
    /** Insert dimensions of size 1 at `axes`. */
    unsqueeze: (x: Value, axes: readonly number[]) => (axes.length ? op("Unsqueeze", [x, integers(axes)]) : x),
    squeeze: (x: Value, axes: readonly number[]) => (axes.length ? op("Squeeze", [x, integers(axes)]) : x),
    expand: (x: Value, shape: readonly number[]) =>
      sameShape(x.shape, shape) ? x : op("Expand", [x, integers(shape)]),
    concat: (parts: readonly Value[], axis: number) =>
      parts.length === 1 ? parts[0]! : op("Concat", parts, { axis: int(axis) }),
    /** Contiguous slice along one axis. */
    slice: (x: Value, axis: number, start: number, end: number) =>
      op("Slice", [x, integers([start]), integers([end]), integers([axis])]),
    gather: (x: Value, indices: Value, axis: number) => op("Gather", [x, indices], { axis: int(axis) }),
    /** Cut into parts of the given sizes. */
    split: (x: Value, axis: number, sizes: readonly number[]) =>
      sizes.length === 1 ? [x] : core.ops("Split", [x, integers(sizes)], sizes.length, { axis: int(axis) }),
    reduceSum: reduce("ReduceSum"),
    reduceMean: reduce("ReduceMean"),
    reduceMax: reduce("ReduceMax"),
    reduceMin: reduce("ReduceMin"),
    /** Sum of squares over `axes`. */
    reduceSumSquare: reduce("ReduceSumSquare"),
    reduceLogSumExp: reduce("ReduceLogSumExp"),
    softmax: (x: Value, axis = -1) => op("Softmax", [x], { axis: int(axis) }),
    logSoftmax: (x: Value, axis = -1) => op("LogSoftmax", [x], { axis: int(axis) }),
    /** Layer norm over the last axis. */
    layerNorm: (x: Value, scale: Value, bias: Value | undefined, epsilon: number) =>
      op("LayerNormalization", [x, scale, bias], { axis: int(-1), epsilon: float(epsilon) }),
    /** A tensor filled with one number, of a fixed shape. */
    filled: (shape: readonly number[], value: number, dtype: DataType = "float32") =>
      shape.length === 0
        ? scalar(value, dtype)
        : op("ConstantOfShape", [integers(shape)], {
            value: { type: "tensor", value: tensorOf(numeric(dtype), [1], [value]) },
          }),
  };
}

const numeric = (dtype: DataType) => dtype as Exclude<DataType, "string">;

function sameShape(a: Shape | undefined, b: readonly number[]): boolean {
  return a !== undefined && a.length === b.length && a.every((dim, k) => dim === b[k]);
}
