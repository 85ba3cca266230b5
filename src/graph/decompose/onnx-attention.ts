import { attribute, describeNode } from "../attributes.ts";
import type { Builder } from "../builder.ts";
import type { Value } from "../builder-core.ts";
import type { Node } from "../types.ts";
import { attend, joinHeads, splitHeads } from "./attend.ts";
import { causalBias, HIDDEN } from "./masks.ts";
import { type Rewrite, rankOf, refuseOperands, unsupportedForm } from "./rewrite.ts";

/**
 * ONNX's own Attention (23 and later): heads of q, k and v (those of k and v repeated where they are fewer), scores with
 * soft cap, mask and bias, softmax, product with v
 */
export const OnnxAttention: Rewrite = (g, { node, inputs: [query, key, value, mask] }) => {
  refuseOperands(node, 4, "a cache or lengths");
  if (node.outputs[3]) throw unsupportedForm(node, "for its scores (output 3)");
  for (const side of ["left_window_size", "right_window_size"])
    if (attribute(node, side, "int", -1) !== -1) throw unsupportedForm(node, `with ${side}`);
  const flat = rankOf(node, query!) === 3;
  const headsOf = (name: string) => {
    const heads = attribute(node, name, "int", 0);
    if (heads === 0) throw unsupportedForm(node, `without ${name}`);
    return heads;
  };
  const q = flat ? splitHeads(g, query!, headsOf("q_num_heads")) : query!;
  const [k, v] = [key!, value!].map((x) => (flat ? splitHeads(g, x, headsOf("kv_num_heads")) : x)) as [Value, Value];
  const [queries, keys] = [q, k].map((x) => x.shape?.[1]);
  if (typeof queries !== "number" || typeof keys !== "number")
    throw unsupportedForm(node, "with a number of heads that its input's type does not tell");
  const cap = attribute(node, "softcap", "float", 0);
  const soften = (x: Value) => (cap === 0 ? x : g.mul(g.tanh(g.mul(x, g.scalar(1 / cap))), g.scalar(cap)));
  const causal = attribute(node, "is_causal", "int", 0) === 1 ? causalBias(g, { q, k }) : undefined;
  const result = attend(g, {
    q,
    k: repeatHeads(g, node, k, keys, queries),
    v: repeatHeads(g, node, v, keys, queries),
    scale: attribute(node, "scale", "float", 0),
    soften,
    biases: [causal, mask && (mask.dtype === "bool" ? g.where(mask, g.scalar(0), g.scalar(HIDDEN)) : mask)],
  });
  return [flat ? joinHeads(g, result) : result, k, v];
};

/** Each of few heads stands for a group of neighbouring ones. */
function repeatHeads(g: Builder, node: Node, x: Value, from: number, to: number): Value {
  if (from === to) return x;
  if (to % from !== 0) throw unsupportedForm(node, `${describeNode(node)} with ${to} heads on ${from}`);
  const groups = g.op("Tile", [g.unsqueeze(x, [2]), g.integers([1, 1, to / from, 1, 1])]);
  const size = typeof x.shape?.[3] === "number" ? x.shape[3] : -1;
  // [batch, few, group, positions, size] → [batch, heads, positions, size]; positions may be open
  return size < 0
    ? g.op("Reshape", [groups, g.concat([g.integers([0, to]), g.op("Shape", [x], tail)], 0)])
    : g.reshape(groups, [0, to, -1, size]);
}

const tail = { start: { type: "int", value: 2 } } as const;
