import type { Dim } from "../types.ts";
import { broadcastAll, type InferRule, intOf, intsOf, sizeOf, wrap } from "./rule.ts";

/** Operators that move numbers without changing them. */
export const movement: Readonly<Record<string, InferRule>> = {
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

function sliceLength(dim: number, start: number, end: number, step: number): number {
  const clamp = (position: number, low: number, high: number) =>
    Math.min(Math.max(position < 0 ? position + dim : position, low), high);
  if (step > 0) return Math.max(0, Math.ceil((clamp(end, 0, dim) - clamp(start, 0, dim)) / step));
  return Math.max(0, Math.ceil((clamp(end, -1, dim - 1) - clamp(start, 0, dim - 1)) / step));
}
