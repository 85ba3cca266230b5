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

const each = (names: string, rule: InferRule) => Object.fromEntries(names.split(" ").map((op) => [op, rule]));

const rules: Readonly<Record<string, InferRule>> = {
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
  ...each("AveragePool LpPool MaxPool", ({ inputs: [x], attributes }) => {
    const kernel = intsOf(attributes, "kernel_shape");
    if (!x?.shape || !kernel) return [x && { dtype: x.dtype }, { dtype: "int64" }];
    const shape = [...x.shape.slice(0, 2), ...windowCounts(x.shape.slice(2), kernel, attributes)];
    return [
      { dtype: x.dtype, shape },
      { dtype: "int64", shape },
    ];
  }),
  ...each("GlobalAveragePool GlobalLpPool GlobalMaxPool", ({ inputs: [x] }) => [
    x && { dtype: x.dtype, ...(x.shape && { shape: x.shape.map((dim, k) => (k < 2 ? dim : 1)) }) },
  ]),
  Conv: ({ inputs: [x, w], attributes }) => {
    const kernel = w?.shape?.slice(2);
    if (!x?.shape || !w?.shape || !kernel) return [x && { dtype: x.dtype }];
    return [
      { dtype: x.dtype, shape: [x.shape[0]!, w.shape[0]!, ...windowCounts(x.shape.slice(2), kernel, attributes)] },
    ];
  },
  ConvTranspose: ({ inputs: [x, w], attributes }) => {
    if (!x?.shape || !w?.shape) return [x && { dtype: x.dtype }];
    const channels = w.shape[1]!;
    const given = intsOf(attributes, "output_shape");
    const group = intOf(attributes, "group", 1);
    const spatial = given ?? transposedSizes(x.shape.slice(2), w.shape.slice(2), attributes);
    return [
      { dtype: x.dtype, shape: [x.shape[0]!, typeof channels === "number" ? channels * group : null, ...spatial] },
    ];
  },
  Dropout: ({ inputs: [x] }) => [x, { dtype: "bool", ...shapeOf(x) }],
  Einsum: ({ inputs, attributes }) => {
    const first = inputs[0];
    const equation = attributes.equation;
    if (!first || equation?.type !== "string" || equation.value.includes(".")) return [first && { dtype: first.dtype }];
    const [left, right] = equation.value.replaceAll(" ", "").split("->") as [string, string?];
    const sizes = new Map<string, Dim>();
    left.split(",").forEach((term, k) => {
      [...term].forEach((index, axis) => {
        const known = sizes.get(index);
        if (known === undefined || known === null || known === 1) sizes.set(index, inputs[k]?.shape?.[axis] ?? null);
      });
    });
    // Without an arrow the result has the indices that occur once, in alphabetical order.
    const once = [...sizes.keys()].filter((index) => left.indexOf(index) === left.lastIndexOf(index)).sort();
    return [{ dtype: first.dtype, shape: (right === undefined ? once : [...right]).map((k) => sizes.get(k) ?? null) }];
  },
  Flatten: ({ inputs: [x], attributes }) => {
    if (!x?.shape) return [x && { dtype: x.dtype, shape: [null, null] }];
    const axis = wrap(intOf(attributes, "axis", 1), x.shape.length);
    return [
      { dtype: x.dtype, shape: [x.shape.slice(0, axis), x.shape.slice(axis)].map((part) => sizeOf(part) ?? null) },
    ];
  },
  GatherND: ({ inputs: [x, indices], attributes }) => {
    const depth = indices?.shape?.at(-1);
    if (!x?.shape || !indices?.shape || typeof depth !== "number") return [x && { dtype: x.dtype }];
    const batch = intOf(attributes, "batch_dims", 0);
    return [{ dtype: x.dtype, shape: [...indices.shape.slice(0, -1), ...x.shape.slice(batch + depth)] }];
  },
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
    // Without axes, every size of 1 goes: a size that is not known may be one.
    if (axesInput ? !axes : x.shape.some((dim) => typeof dim !== "number")) return [{ dtype: x.dtype }];
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
    const [first = 1, ...others] = dims.filter((dim) => dim !== 1);
    return others.every((dim) => dim === first) ? first : null;
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

/** How many windows fit along each axis (Conv and pooling, opset 11 and later). */
function windowCounts(sizes: Shape, kernel: Shape, attributes: Attributes): Dim[] {
  const rank = sizes.length;
  const pads = intsOf(attributes, "pads");
  const auto = attributes.auto_pad?.type === "string" ? attributes.auto_pad.value : "NOTSET";
  const up = intOf(attributes, "ceil_mode", 0) === 1;
  return sizes.map((size, k) => {
    const window = kernel[k];
    if (typeof size !== "number" || typeof window !== "number") return null;
    const stride = intsOf(attributes, "strides")?.[k] ?? 1;
    if (auto.startsWith("SAME")) return Math.ceil(size / stride);
    const reach = (window - 1) * (intsOf(attributes, "dilations")?.[k] ?? 1) + 1;
    const [before, after] = auto === "VALID" ? [0, 0] : [pads?.[k] ?? 0, pads?.[k + rank] ?? 0];
    const room = (size + before + after - reach) / stride;
    const count = (up ? Math.ceil(room) : Math.floor(room)) + 1;
    // A last window that would begin in the padding behind is left out.
    return up && (count - 1) * stride >= size + before ? count - 1 : count;
  });
}

function transposedSizes(sizes: Shape, kernel: Shape, attributes: Attributes): Dim[] {
  const rank = sizes.length;
  const pads = intsOf(attributes, "pads");
  return sizes.map((size, k) => {
    const window = kernel[k];
    if (typeof size !== "number" || typeof window !== "number" || attributes.auto_pad) return null;
    const stride = intsOf(attributes, "strides")?.[k] ?? 1;
    const reach = (window - 1) * (intsOf(attributes, "dilations")?.[k] ?? 1) + 1;
    const extra = intsOf(attributes, "output_padding")?.[k] ?? 0;
    return stride * (size - 1) + extra + reach - (pads?.[k] ?? 0) - (pads?.[k + rank] ?? 0);
  });
}

const shapeOf = (type: ValueType | undefined) => type?.shape && { shape: type.shape };

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
