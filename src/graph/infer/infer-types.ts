import { dataTypeOf } from "../onnx/data-types.ts";
import type { DataType, ValueType } from "../types.ts";
import { movement } from "./movement.ts";
import { products } from "./products.ts";
import { quantized } from "./quantized.ts";
import { broadcastAll, type Call, each, type InferRule, intOf, shapeOf, wrap, wrapClamp } from "./rule.ts";

/**
 * Types of an operator's outputs from its inputs (opset 20 forms), as far as they follow without running it.
 * Unknown operators, or shapes that depend on data, give undefined: the value is then merely untyped.
 */
export function inferTypes(op: string, call: Call): readonly (ValueType | undefined)[] {
  return rules[op]?.(call) ?? [];
}

const sameAsInput: InferRule = ({ inputs }) => [inputs[0]];

const broadcasting =
  (dtype?: DataType): InferRule =>
  ({ inputs }) => {
    const known = dtype ?? inputs.find((type) => type !== undefined)?.dtype;
    // One operand of unknown shape leaves the result's unknown: it may be the larger one.
    return [known && { dtype: known, shape: broadcastAll(inputs.map((type) => type?.shape)) }];
  };

const reduction: InferRule = ({ inputs, attributes, numbers }) => {
  const [x, axesInput] = inputs;
  if (!x?.shape) return [x && { dtype: x.dtype }];
  const keep = intOf(attributes, "keepdims", 1) === 1;
  const given = axesInput ? numbers(1) : [];
  if (given === undefined) return [{ dtype: x.dtype }];
  const none = intOf(attributes, "noop_with_empty_axes", 0) === 1 ? [] : x.shape.map((_, k) => k);
  const axes = new Set(given.length ? given.map((axis) => wrap(axis, x.shape!.length)) : none);
  const shape = x.shape.flatMap((dim, k) => (axes.has(k) ? (keep ? [1] : []) : [dim]));
  return [{ dtype: x.dtype, shape }];
};

const rules: Readonly<Record<string, InferRule>> = {
  ...movement,
  ...products,
  ...quantized,
  ...each("Abs Acos Acosh Asin Asinh Atan Atanh Ceil Celu Clip Cos Cosh CumSum Elu Erf Exp Floor Gelu", sameAsInput),
  ...each("HardSigmoid HardSwish Hardmax Identity LeakyRelu Log LogSoftmax LpNormalization Mish Neg", sameAsInput),
  ...each("BatchNormalization GroupNormalization InstanceNormalization Not PRelu Reciprocal Relu Round", sameAsInput),
  ...each(
    "ScatterElements ScatterND Selu Shrink Sigmoid Sign Sin Sinh Softmax Softplus Softsign Sqrt Tan",
    sameAsInput,
  ),
  ...each("Tanh ThresholdedRelu Trilu", sameAsInput),
  ...each("Add Div Max Mean Min Mod Mul Pow Sub Sum", broadcasting()),
  ...each("And Equal Greater GreaterOrEqual Less LessOrEqual Or Xor", broadcasting("bool")),
  ...each("IsInf IsNaN", ({ inputs: [x] }) => [{ dtype: "bool", ...shapeOf(x) }]),
  ...each("ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd", reduction),
  ...each("ReduceSum ReduceSumSquare", reduction),
  ...each("ArgMax ArgMin", ({ inputs: [x], attributes }) => {
    if (!x?.shape) return [{ dtype: "int64" }];
    const axis = wrap(intOf(attributes, "axis", 0), x.shape.length);
    const keep = intOf(attributes, "keepdims", 1) === 1;
    return [{ dtype: "int64", shape: x.shape.flatMap((dim, k) => (k === axis ? (keep ? [1] : []) : [dim])) }];
  }),
  Dropout: ({ inputs: [x] }) => [x, { dtype: "bool", ...shapeOf(x) }],
  LayerNormalization: ({ inputs: [x], attributes }) => {
    const axis = wrap(intOf(attributes, "axis", -1), x?.shape?.length ?? 0);
    const kept = x?.shape && { shape: x.shape.map((dim, k) => (k < axis ? dim : 1)) };
    const statistic = { dtype: "float32", ...kept } as const;
    return [x, statistic, statistic];
  },
  NonZero: ({ inputs: [x] }) => [{ dtype: "int64", shape: [x?.shape?.length ?? null, null] }],
  OneHot: ({ inputs: [indices, , values], attributes, numbers }) => {
    if (!indices?.shape) return [values && { dtype: values.dtype }];
    const depth = numbers(1)?.[0] ?? null;
    const axis = wrap(intOf(attributes, "axis", -1), indices.shape.length + 1);
    const shape = [...indices.shape.slice(0, axis), depth, ...indices.shape.slice(axis)];
    return [values && { dtype: values.dtype, shape }];
  },
  Range: ({ inputs: [start], numbers }) => {
    const [from, limit, delta] = [numbers(0)?.[0], numbers(1)?.[0], numbers(2)?.[0]];
    const open = from === undefined || limit === undefined || !delta;
    return [start && { dtype: start.dtype, shape: [open ? null : Math.max(0, Math.ceil((limit - from) / delta))] }];
  },
  Size: () => [{ dtype: "int64", shape: [] }],
  TopK: ({ inputs: [x], attributes, numbers }) => {
    if (!x?.shape) return [x && { dtype: x.dtype }, { dtype: "int64" }];
    const axis = wrap(intOf(attributes, "axis", -1), x.shape.length);
    const shape = x.shape.map((dim, k) => (k === axis ? (numbers(1)?.[0] ?? null) : dim));
    return [
      { dtype: x.dtype, shape },
      { dtype: "int64", shape },
    ];
  },
  Where: ({ inputs: [condition, x, y] }) =>
    x && [{ dtype: x.dtype, shape: broadcastAll([condition?.shape, x.shape, y?.shape]) }],
  Cast: ({ inputs: [x], attributes }) => {
    const dtype = dataTypeOf(intOf(attributes, "to", 0));
    return [dtype && { dtype, ...shapeOf(x) }];
  },
  Shape: ({ inputs: [x], attributes }) => {
    const rank = x?.shape?.length;
    if (rank === undefined) return [{ dtype: "int64", shape: [null] }];
    const start = wrapClamp(intOf(attributes, "start", 0), rank);
    const end = wrapClamp(intOf(attributes, "end", rank), rank);
    return [{ dtype: "int64", shape: [Math.max(0, end - start)] }];
  },
};
