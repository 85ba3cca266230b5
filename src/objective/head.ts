import { type Builder, tensorOf, type Value } from "../graph/index.ts";
import type { Parameter } from "../parameters/index.ts";
import type { Goal } from "../tasks/index.ts";

/**
 * How token features become one vector per example: the class token, the mean over tokens, both side by side (the mean
 * then leaves out the class token), or the last token.
 */
export type Pooling = "cls" | "mean" | "cls+mean" | "last";

/**
 * Pool features over tokens.
 * @param features  [batch, tokens, d]; both may be dynamic
 * @param mask      [batch, tokens], 1 for a token and 0 for padding, whole numbers; default all are tokens
 * @returns         [batch, d], or [batch, 2d] for `cls+mean`
 */
export function pool(g: Builder, features: Value, pooling: Pooling, mask?: Value): Value {
  const END = Number.MAX_SAFE_INTEGER;
  const first = () => g.squeeze(g.slice(features, 1, 0, 1), [1]);
  const meanFrom = (start: number) => {
    const part = start === 0 ? features : g.slice(features, 1, start, END);
    if (mask === undefined) return g.reduceMean(part, [1], false);
    const counted = g.unsqueeze(g.cast(start === 0 ? mask : g.slice(mask, 1, start, END), "float32"), [2]);
    return g.div(g.reduceSum(g.mul(part, counted), [1], false), g.reduceSum(counted, [1], false));
  };
  switch (pooling) {
    case "cls":
      return first();
    case "mean":
      return meanFrom(0);
    case "cls+mean":
      return g.concat([first(), meanFrom(1)], -1);
    case "last":
      return lastToken(g, features, mask);
  }
}

/** The last token that is no padding, whichever side the padding is on: the one with the highest mask · position. */
function lastToken(g: Builder, features: Value, mask: Value | undefined): Value {
  if (mask === undefined) return g.squeeze(g.slice(features, 1, -1, Number.MAX_SAFE_INTEGER), [1]);
  const ones = g.cast(mask, "float32");
  const position = g.mul(g.op("CumSum", [ones, g.scalar(1, "int64")]), ones);
  const isLast = g.cast(g.op("Equal", [position, g.reduceMax(position, [1], true)]), "float32");
  return g.reduceSum(g.mul(features, g.unsqueeze(isLast, [2])), [1], false);
}

/** Width of what `pool` returns. */
export const pooledSize = (hiddenSize: number, pooling: Pooling): number =>
  pooling === "cls+mean" ? 2 * hiddenSize : hiddenSize;

/** The trainable tensors of a linear head that reads vectors of a width; none where there are no outputs. */
export function headParameters(width: number, outputs: number): Parameter[] {
  if (outputs === 0) return [];
  return [
    { name: "head.weight", shape: [width, outputs] },
    { name: "head.bias", shape: [outputs], decay: false },
  ];
}

/**
 * Linear head: features [..., k] · weight [k, outputs] + bias [outputs]; numbers to regress come out in their own units.
 * @param head  the tensors of `headParameters` by name
 */
export function linearHead(g: Builder, goal: Goal, features: Value, head: ReadonlyMap<string, Value>): Value {
  const output = g.add(g.matmul(features, head.get("head.weight")!), head.get("head.bias")!);
  if (goal.kind !== "regress") return output;
  const numbers = (values: readonly number[]) => g.constant(tensorOf("float32", [values.length], values));
  return g.add(g.mul(output, numbers(goal.scale)), numbers(goal.center));
}

/** Vectors [..., d] at length 1. */
export function normalized(g: Builder, vectors: Value): Value {
  const squares = g.add(g.reduceSumSquare(vectors, [-1], true), g.scalar(1e-12));
  return g.div(vectors, g.sqrt(squares));
}
