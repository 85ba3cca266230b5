import type { Attributes, Dim, Shape } from "../types.ts";
import { broadcastAll, each, type InferRule, intOf, intsOf } from "./rule.ts";

/** Products, convolutions and pooling. */
export const products: Readonly<Record<string, InferRule>> = {
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
  MatMul: ({ inputs: [x, y] }) => x && [{ dtype: x.dtype, shape: matmulShape(x.shape, y?.shape) }],
  Gemm: ({ inputs: [a, b], attributes }) => {
    const rows = a?.shape?.[intOf(attributes, "transA", 0)] ?? null;
    const columns = b?.shape?.[1 - intOf(attributes, "transB", 0)] ?? null;
    return a && [{ dtype: a.dtype, shape: [rows, columns] }];
  },
};

export function matmulShape(x: Shape | undefined, y: Shape | undefined): Shape | undefined {
  if (!x || !y || x.length === 0 || y.length === 0) return undefined;
  const batch = broadcastAll([x.slice(0, -2), y.slice(0, -2)]);
  return batch && [...batch, ...(x.length > 1 ? [x.at(-2)!] : []), ...(y.length > 1 ? [y.at(-1)!] : [])];
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
