import { int } from "../attributes.ts";
import type { Builder } from "../builder.ts";
import type { Value } from "../builder-core.ts";
import { sizeOr } from "./rewrite.ts";

/** Operands of attention, each [batch, heads, positions, head size]. */
export interface Attended {
  readonly q: Value;
  readonly k: Value;
  readonly v: Value;
  /** Default 1/√(head size). */
  readonly scale?: number | undefined;
  /** Added to the scaled products, in order; each broadcasts to [batch, heads, queries, keys]. */
  readonly biases?: readonly (Value | undefined)[];
  /** What happens to the scaled products before biases are added. */
  readonly soften?: (scores: Value) => Value;
}

/** softmax(scale · q kᵀ + biases) v, [batch, heads, queries, head size] */
export function attend(g: Builder, { q, k, v, scale, biases = [], soften = (x) => x }: Attended): Value {
  const products = soften(g.mul(g.matmul(q, g.transpose(k, [0, 1, 3, 2])), scaleOf(g, q, scale)));
  const scores = biases.reduce<Value>((sum, bias) => (bias ? g.add(sum, bias) : sum), products);
  return g.matmul(g.softmax(scores), v);
}

function scaleOf(g: Builder, q: Value, given: number | undefined): Value {
  if (given) return g.scalar(given);
  const size = q.shape?.[3];
  if (typeof size === "number") return g.scalar(1 / Math.sqrt(size));
  return g.reciprocal(g.sqrt(g.cast(dimension(g, q, 3), "float32")));
}

/** [batch, positions, heads · size] as [batch, heads, positions, size] */
export function splitHeads(g: Builder, x: Value, heads: number): Value {
  const width = sizeOr(x, -1, -1);
  return g.transpose(g.reshape(x, [0, 0, heads, width < 0 ? -1 : width / heads]), [0, 2, 1, 3]);
}

/** [batch, heads, positions, size] as [batch, positions, heads · size] */
export function joinHeads(g: Builder, x: Value): Value {
  const [heads, size] = [sizeOr(x, 1, -1), sizeOr(x, 3, -1)];
  return g.reshape(g.transpose(x, [0, 2, 1, 3]), [0, 0, heads < 0 || size < 0 ? -1 : heads * size]);
}

/** One dimension of a value as int64 [1]: a constant where it is known. */
export function dimension(g: Builder, x: Value, axis: number): Value {
  const known = x.shape?.[axis];
  if (typeof known === "number") return g.integers([known]);
  return g.op("Shape", [x], { start: int(axis), end: int(axis + 1) });
}

/** 0, 1, … up to a dimension of a value, int64. */
export function positionsAlong(g: Builder, x: Value, axis: number): Value {
  const end = g.squeeze(dimension(g, x, axis), [0]);
  return g.op("Range", [g.scalar(0, "int64"), end, g.scalar(1, "int64")]);
}
