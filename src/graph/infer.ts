import type { Attributes, DataType, Dim, Shape, Tensor, ValueType } from "./types.ts";

/** What a rule may look at: attributes, input types (undefined for an omitted input), and constant inputs' numbers. */
interface Call {
  readonly attributes: Attributes;
  readonly inputs: readonly (ValueType | undefined)[];
  /** Numbers of input `k` when it is a constant. */
  readonly numbers: (k: number) => readonly number[] | undefined;
  readonly outputCount: number;
}
type InferRule = (call: Call) => readonly (ValueType | undefined)[] | undefined;

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
    const known = inputs.filter((type) => type !== undefined);
    return [{ dtype: dtype ?? known[0]!.dtype, shape: broadcastAll(known.map((type) => type.shape)) }];
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
  ...Object.fromEntries(
    [
      "Abs",
      "Ceil",
      "Clip",
      "Cos",
      "CumSum",
      "Dropout",
      "Elu",
      "Erf",
      "Exp",
      "Floor",
      "Gelu",
      "HardSigmoid",
      "HardSwish",
    ]
      .concat(["Identity", "LayerNormalization", "LeakyRelu", "Log", "LogSoftmax", "Neg", "Not", "Reciprocal", "Relu"])
      .concat([
        "Round",
        "ScatterElements",
        "ScatterND",
        "Sigmoid",
        "Sign",
        "Sin",
        "Softmax",
        "Softplus",
        "Sqrt",
        "Tanh",
      ])
      .concat(["Trilu"])
      .map((op) => [op, sameAsInput]),
  ),
  ...Object.fromEntries(
    ["Add", "Div", "Max", "Mean", "Min", "Mod", "Mul", "Pow", "Sub", "Sum"].map((op) => [op, broadcasting()]),
  ),
  ...Object.fromEntries(
    ["And", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Or"].map((op) => [op, broadcasting("bool")]),
  ),
  ...Object.fromEntries(
    ["ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum", "ReduceSumSquare", "ReduceL2"].map((op) => [op, reduction]),
  ),
  Where: ({ inputs: [condition, x, y] }) =>
    x && [{ dtype: x.dtype, shape: broadcastAll([condition?.shape, x.shape, y?.shape]) }],
  Cast: ({ inputs: [x], attributes }) => [
    { dtype: dataTypes[intOf(attributes, "to", 1)] ?? "float32", shape: x?.shape },
  ],
  Shape: ({ inputs: [x], attributes }) => {
    const rank = x?.shape?.length;
    if (rank === undefined) return [{ dtype: "int64", shape: [null] }];
    const start = wrapClamp(intOf(attributes, "start", 0), rank);
    const end = wrapClamp(intOf(attributes, "end", rank), rank);
    return [{ dtype: "int64", shape: [Math.max(0, end - start)] }];
  },
  MatMul: ({ inputs: [x, y] }) => x && [{ dtype: x.dtype, shape: matmulShape(x.shape, y?.shape) }],
  Gemm: ({ inputs: [a, b], attributes }) => {
    const rows = a?.shape?.[intOf(attributes, "transA", 0)] ?? null;
    const columns = b?.shape?.[1 - intOf(attributes, "transB", 0)] ?? null;
    return a && [{ dtype: a.dtype, shape: [rows, columns] }];
  },
  Transpose: ({ inputs: [x], attributes }) => {
    if (!x?.shape) return [x && { dtype: x.dtype }];
    const perm = intsOf(attributes, "perm") ?? x.shape.map((_, k) => x.shape!.length - 1 - k);
    return [{ dtype: x.dtype, shape: perm.map((k) => x.shape![k] ?? null) }];
  },
  Reshape: ({ inputs: [x], numbers, attributes }) => {
    const target = numbers(1);
    if (!x || !target) return [x && { dtype: x.dtype }];
    const copies = intOf(attributes, "allowzero", 0) === 0;
    const shape: Dim[] = target.map((dim, k) => (dim === 0 && copies ? (x.shape?.[k] ?? null) : dim));
    const open = shape.indexOf(-1);
    if (open >= 0) {
      shape[open] = 1;
      const [whole, rest] = [sizeOf(x.shape), sizeOf(shape)];
      shape[open] = whole !== undefined && rest ? whole / rest : null;
    }
    return [{ dtype: x.dtype, shape }];
  },
  Squeeze: ({ inputs: [x, axesInput], numbers }) => {
    if (!x?.shape) return [x && { dtype: x.dtype }];
    const axes = axesInput ? numbers(1)?.map((axis) => wrap(axis, x.shape!.length)) : undefined;
    if (axesInput && !axes) return [{ dtype: x.dtype }];
    return [{ dtype: x.dtype, shape: x.shape.filter((dim, k) => (axes ? !axes.includes(k) : dim !== 1)) }];
  },
  Unsqueeze: ({ inputs: [x], numbers }) => {
    const given = numbers(1);
    if (!x?.shape || !given) return [x && { dtype: x.dtype }];
    const rank = x.shape.length + given.length;
    const axes = new Set(given.map((axis) => wrap(axis, rank)));
    const rest = [...x.shape];
    return [{ dtype: x.dtype, shape: Array.from({ length: rank }, (_, k) => (axes.has(k) ? 1 : rest.shift()!)) }];
  },
  Expand: ({ inputs: [x], numbers }) => x && [{ dtype: x.dtype, shape: broadcastAll([x.shape, numbers(1)]) }],
  Tile: ({ inputs: [x], numbers }) => {
    const repeats = numbers(1);
    if (!x?.shape || !repeats) return [x && { dtype: x.dtype }];
    return [{ dtype: x.dtype, shape: x.shape.map((dim, k) => (typeof dim === "number" ? dim * repeats[k]! : null)) }];
  },
  ConstantOfShape: ({ numbers, attributes }) => {
    const value = attributes.value;
    return [{ dtype: value?.type === "tensor" ? value.value.dtype : "float32", shape: numbers(0) }];
  },
  Concat: ({ inputs, attributes }) => {
    const first = inputs[0];
    if (!first?.shape) return [first && { dtype: first.dtype }];
    const axis = wrap(intOf(attributes, "axis", 0), first.shape.length);
    const along = inputs.map((type) => type?.shape?.[axis]);
    const sum = along.every((dim) => typeof dim === "number") ? along.reduce((a, b) => a + b, 0) : null;
    return [{ dtype: first.dtype, shape: first.shape.map((dim, k) => (k === axis ? sum : dim)) }];
  },
  Split: ({ inputs: [x, sizesInput], numbers, attributes, outputCount }) => {
    if (!x?.shape) return undefined;
    const axis = wrap(intOf(attributes, "axis", 0), x.shape.length);
    const whole = x.shape[axis];
    const sizes = sizesInput ? numbers(1) : undefined;
    const chunk = typeof whole === "number" ? Math.ceil(whole / outputCount) : null;
    return Array.from({ length: outputCount }, (_, part) => {
      const even = typeof whole === "number" && chunk ? Math.min(chunk, whole - part * chunk) : null;
      const size = sizesInput ? (sizes?.[part] ?? null) : even;
      return { dtype: x.dtype, shape: x.shape!.map((dim, k) => (k === axis ? size : dim)) };
    });
  },
  Slice: ({ inputs, numbers }) => {
    const x = inputs[0];
    const [starts, ends] = [numbers(1), numbers(2)];
    if (!x?.shape || !starts || !ends) return [x && { dtype: x.dtype }];
    const axes = inputs[3] ? numbers(3) : starts.map((_, k) => k);
    const steps = inputs[4] ? numbers(4) : starts.map(() => 1);
    if (!axes || !steps) return [{ dtype: x.dtype }];
    const shape: Dim[] = [...x.shape];
    axes.forEach((rawAxis, k) => {
      const axis = wrap(rawAxis, shape.length);
      const dim = shape[axis];
      shape[axis] = typeof dim === "number" ? sliceLength(dim, starts[k]!, ends[k]!, steps[k]!) : null;
    });
    return [{ dtype: x.dtype, shape }];
  },
  Pad: ({ inputs, numbers }) => {
    const x = inputs[0];
    const pads = numbers(1);
    if (!x?.shape || !pads) return [x && { dtype: x.dtype }];
    const axes = inputs[3] ? numbers(3)?.map((axis) => wrap(axis, x.shape!.length)) : x.shape.map((_, k) => k);
    if (!axes) return [{ dtype: x.dtype }];
    const shape = x.shape.map((dim, axis) => {
      const k = axes.indexOf(axis);
      return k < 0 || typeof dim !== "number" ? dim : dim + pads[k]! + pads[k + axes.length]!;
    });
    return [{ dtype: x.dtype, shape }];
  },
  Gather: ({ inputs: [x, indices], attributes }) => {
    if (!x?.shape || !indices?.shape) return [x && { dtype: x.dtype }];
    const axis = wrap(intOf(attributes, "axis", 0), x.shape.length);
    return [{ dtype: x.dtype, shape: [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)] }];
  },
  GatherElements: ({ inputs: [x, indices] }) => x && [{ dtype: x.dtype, shape: indices?.shape }],
  ArgMax: ({ inputs: [x], attributes }) => {
    if (!x?.shape) return [{ dtype: "int64" }];
    const axis = wrap(intOf(attributes, "axis", 0), x.shape.length);
    const keep = intOf(attributes, "keepdims", 1) === 1;
    return [{ dtype: "int64", shape: x.shape.flatMap((dim, k) => (k === axis ? (keep ? [1] : []) : [dim])) }];
  },
};

/** ONNX's numbering of element types (TensorProto.DataType). */
export const dataTypes: Readonly<Record<number, DataType>> = {
  1: "float32",
  2: "uint8",
  3: "int8",
  4: "uint16",
  5: "int16",
  6: "int32",
  7: "int64",
  8: "string",
  9: "bool",
  10: "float16",
  11: "float64",
  12: "uint32",
  13: "uint64",
  16: "bfloat16",
  21: "uint4",
  22: "int4",
};

/** NumPy broadcasting of shapes; a dimension that does not follow is null, an unknown shape makes the result unknown. */
export function broadcastAll(shapes: readonly (Shape | undefined)[]): Shape | undefined {
  if (shapes.some((shape) => shape === undefined)) return undefined;
  const known = shapes as readonly Shape[];
  const rank = Math.max(...known.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, k) => {
    const dims = known.map((shape) => (k < rank - shape.length ? 1 : shape[k - rank + shape.length]!));
    const fixed = dims.find((dim) => typeof dim === "number" && dim !== 1);
    if (fixed !== undefined) return fixed;
    const open = dims.filter((dim) => dim !== 1);
    return open.every((dim) => dim === open[0]) ? (open[0] ?? 1) : null;
  });
}

function matmulShape(x: Shape | undefined, y: Shape | undefined): Shape | undefined {
  if (!x || !y || x.length === 0 || y.length === 0) return undefined;
  const batch = broadcastAll([x.slice(0, -2), y.slice(0, -2)]);
  return batch && [...batch, ...(x.length > 1 ? [x.at(-2)!] : []), ...(y.length > 1 ? [y.at(-1)!] : [])];
}

function sliceLength(dim: number, start: number, end: number, step: number): number {
  const clamp = (position: number, low: number, high: number) =>
    Math.min(Math.max(position < 0 ? position + dim : position, low), high);
  if (step > 0) return Math.max(0, Math.ceil((clamp(end, 0, dim) - clamp(start, 0, dim)) / step));
  return Math.max(0, Math.ceil((clamp(end, -1, dim - 1) - clamp(start, 0, dim - 1)) / step));
}

function sizeOf(shape: Shape | undefined): number | undefined {
  return shape?.reduce<number | undefined>(
    (size, dim) => (size !== undefined && typeof dim === "number" ? size * dim : undefined),
    1,
  );
}

const wrap = (axis: number, rank: number) => (axis < 0 ? axis + rank : axis);
const wrapClamp = (axis: number, rank: number) => Math.min(Math.max(wrap(axis, rank), 0), rank);

function intOf(attributes: Attributes, name: string, fallback: number): number {
  const found = attributes[name];
  return found?.type === "int" ? found.value : fallback;
}

function intsOf(attributes: Attributes, name: string): readonly number[] | undefined {
  const found = attributes[name];
  return found?.type === "ints" ? found.value : undefined;
}

/** Integers of a small constant (int64 or int32), or undefined if it is neither. */
export function smallIntegers(tensor: Tensor): readonly number[] | undefined {
  const view = new DataView(tensor.bytes.buffer, tensor.bytes.byteOffset, tensor.bytes.byteLength);
  if (tensor.dtype === "int64")
    return Array.from({ length: view.byteLength / 8 }, (_, k) => Number(view.getBigInt64(8 * k, true)));
  if (tensor.dtype === "int32")
    return Array.from({ length: view.byteLength / 4 }, (_, k) => view.getInt32(4 * k, true));
  return undefined;
}
