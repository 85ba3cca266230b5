import type { Attributes, Shape, Tensor, ValueType } from "../types.ts";

/** What a rule may look at: attributes, input types (undefined for an omitted input), and constant inputs' numbers. */
export interface Call {
  readonly attributes: Attributes;
  readonly inputs: readonly (ValueType | undefined)[];
  /** Numbers of input `k` when it is a constant. */
  readonly numbers: (k: number) => readonly number[] | undefined;
  readonly outputCount: number;
}
export type InferRule = (call: Call) => readonly (ValueType | undefined)[] | undefined;

/** One rule for several operators. */
export const each = (names: string, rule: InferRule) => Object.fromEntries(names.split(" ").map((op) => [op, rule]));

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

export function sizeOf(shape: Shape | undefined): number | undefined {
  return shape?.reduce<number | undefined>(
    (size, dim) => (size !== undefined && typeof dim === "number" ? size * dim : undefined),
    1,
  );
}

export const shapeOf = (type: ValueType | undefined) => type?.shape && { shape: type.shape };

export const wrap = (axis: number, rank: number) => (axis < 0 ? axis + rank : axis);
export const wrapClamp = (axis: number, rank: number) => Math.min(Math.max(wrap(axis, rank), 0), rank);

export function intOf(attributes: Attributes, name: string, fallback: number): number {
  const found = attributes[name];
  return found?.type === "int" ? found.value : fallback;
}

export function intsOf(attributes: Attributes, name: string): readonly number[] | undefined {
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
