import { attribute } from "../attributes.ts";
import type { Builder } from "../builder.ts";
import type { Value } from "../builder-core.ts";
import type { Node } from "../types.ts";
import { positionsAlong } from "./attend.ts";
import { type Rewrite, rankOf, unsupportedForm } from "./rewrite.ts";

/** Pairs (a, b) of each head turned by their position's angle: (a cos − b sin, b cos + a sin); the rest unchanged */
export const RotaryEmbedding: Rewrite = (g, { node, inputs: [x, positions, cosines, sines] }) => {
  if (attribute(node, "is_packed_batching", "int", 0) !== 0) throw unsupportedForm(node, "with packed batches");
  if (attribute(node, "scale", "float", 1) !== 1) throw unsupportedForm(node, "with a scale");
  // One number is an offset: positions count on from it, the same for all examples.
  const offset = rankOf(node, positions!) < 2;
  const places = offset ? g.add(positionsAlong(g, x!, rankOf(node, x!) - 2), positions!) : positions!;
  const [cos, sin] = [cosines!, sines!].map((table) => {
    const rows = g.gather(table, places, 0); // [batch, positions, pairs], or [positions, pairs]
    return offset ? g.unsqueeze(rows, [0]) : rows;
  }) as [Value, Value];
  return [rotate(g, node, x!, cos, sin)];
};

/** ONNX's own (23 and later): the same; without positions, cosines and sines come for each example and position */
export const OnnxRotaryEmbedding: Rewrite = (g, { node, inputs: [x, cosines, sines, positions] }) => {
  const [cos, sin] = [cosines!, sines!].map((table) => (positions ? g.gather(table, positions, 0) : table));
  return [rotate(g, node, x!, cos!, sin!)];
};

/** @param cos, sin  [batch or 1, positions, pairs] */
function rotate(g: Builder, node: Node, x: Value, cos: Value, sin: Value): Value {
  const pairs = cos.shape?.at(-1);
  if (typeof pairs !== "number") throw unsupportedForm(node, "with tables of unknown width");
  const flat = rankOf(node, x) === 3;
  const partial = attribute(node, "rotary_embedding_dim", "int", 0);
  const rotated = partial || 2 * pairs;
  const heads = attribute(node, "num_heads", "int", 0);
  const width = x.shape!.at(-1);
  const size = !flat ? width : heads > 0 && typeof width === "number" ? width / heads : partial ? null : rotated;
  if (typeof size !== "number") throw unsupportedForm(node, "with heads whose size its input's type does not tell");
  // [batch, positions, heads, size], or [batch, heads, positions, size]
  const apart = flat ? g.reshape(x, [0, 0, -1, size]) : x;
  const over = (table: Value) => g.unsqueeze(table, [flat ? 2 : 1]);
  const [turning, rest] =
    rotated === size ? [apart, undefined] : (g.split(apart, 3, [rotated, size - rotated]) as [Value, Value]);
  const interleaved = attribute(node, "interleaved", "int", 0) === 1;
  const [a, b] = (
    interleaved
      ? g.split(g.reshape(turning, [0, 0, 0, rotated / 2, 2]), 4, [1, 1]).map((part) => g.squeeze(part, [4]))
      : g.split(turning, 3, [rotated / 2, rotated / 2])
  ) as [Value, Value];
  const [c, s] = [over(cos), over(sin)];
  const turned = [g.sub(g.mul(a, c), g.mul(b, s)), g.add(g.mul(b, c), g.mul(a, s))];
  const joined = interleaved
    ? g.reshape(
        g.concat(
          turned.map((part) => g.unsqueeze(part, [4])),
          4,
        ),
        [0, 0, 0, rotated],
      )
    : g.concat(turned, 3);
  const whole = rest ? g.concat([joined, rest], 3) : joined;
  return flat ? g.reshape(whole, [0, 0, typeof width === "number" ? width : -1]) : whole;
}
