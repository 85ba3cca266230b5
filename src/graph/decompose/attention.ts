import { attribute, int } from "../attributes.ts";
import type { Builder } from "../builder.ts";
import type { Value } from "../builder-core.ts";
import type { Node } from "../types.ts";
import { attend, joinHeads, splitHeads } from "./attend.ts";
import { causalBias, maskBias } from "./masks.ts";
import { type Rewrite, refuseOperands, unsupportedForm } from "./rewrite.ts";

/** What keeps an attention score from counting, where a file does not say. */
const MASK_FILTER = -10000;

/** x W + b cut into q, k, v, then heads, scores with mask and bias, softmax, product with v */
export const Attention: Rewrite = (g, { node, inputs: [x, weights, bias, mask, , attentionBias] }) => {
  if (node.inputs[4]) refuseOperands(node, 4, "a cache");
  refuseOperands(node, 6, "a cache");
  const projected = g.matmul(x!, weights!);
  const given = node.attributes.qkv_hidden_sizes ? attribute(node, "qkv_hidden_sizes", "ints") : undefined;
  return fromProjection(g, node, bias ? g.add(projected, bias) : projected, { sizes: given, mask, attentionBias });
};

/**
 * The same over whole numbers: the quantised product as MatMulInteger, times both scales, plus b; then as Attention.
 * The product keeps its bits.
 */
export const QAttention: Rewrite = (g, { node, inputs }) => {
  const [x, weights, bias, xScale, wScale, mask, xZero, wZero] = inputs;
  refuseOperands(node, 8, "a cache");
  const whole = g.op("MatMulInteger", [x, weights, xZero, wZero]);
  const projected = g.add(g.mul(g.cast(whole, "float32"), g.mul(xScale!, wScale!)), bias!);
  return fromProjection(g, node, projected, { mask });
};

interface Rest {
  readonly sizes?: readonly number[] | undefined;
  readonly mask?: Value | undefined;
  readonly attentionBias?: Value | undefined;
}

/** @param projected  q, k and v side by side in the last axis */
function fromProjection(g: Builder, node: Node, projected: Value, { sizes, mask, attentionBias }: Rest) {
  if (attribute(node, "do_rotary", "int", 0) !== 0) throw unsupportedForm(node, "with do_rotary");
  const heads = attribute(node, "num_heads", "int");
  const width = projected.shape?.at(-1);
  const parts =
    sizes === undefined && typeof width !== "number"
      ? g.ops("Split", [projected], 3, { axis: int(-1), num_outputs: int(3) })
      : g.split(projected, -1, sizes ?? [1, 1, 1].map(() => (width as number) / 3));
  const [q, k, v] = parts.map((part) => splitHeads(g, part, heads)) as [Value, Value, Value];
  const filter = attribute(node, "mask_filter_value", "float", MASK_FILTER);
  const causal = attribute(node, "unidirectional", "int", 0) === 1 ? causalBias(g, { q, k }) : undefined;
  const biases = [maskBias(g, node, mask, { q, k }, filter), causal, attentionBias];
  return [joinHeads(g, attend(g, { q, k, v, scale: attribute(node, "scale", "float", 0), biases }))];
}

/**
 * Heads of q, k and v, apart or packed, each with its part of the bias; then as Attention. Without a cache the keys and
 * values to come are k and v themselves.
 */
export const MultiHeadAttention: Rewrite = (g, { node, inputs }) => {
  const [query, key, value, bias, mask, attentionBias] = inputs;
  refuseOperands(node, 6, "a cache");
  const heads = attribute(node, "num_heads", "int");
  const { q, k, v } = operandsOf(g, node, { query: query!, key, value, bias, heads });
  const filter = attribute(node, "mask_filter_value", "float", MASK_FILTER);
  const causal = attribute(node, "unidirectional", "int", 0) === 1 ? causalBias(g, { q, k }) : undefined;
  const biases = [maskBias(g, node, mask, { q, k }, filter), causal, attentionBias];
  return [joinHeads(g, attend(g, { q, k, v, scale: attribute(node, "scale", "float", 0), biases })), k, v];
};

interface Operands {
  readonly query: Value;
  readonly key: Value | undefined;
  readonly value: Value | undefined;
  readonly bias: Value | undefined;
  readonly heads: number;
}

function operandsOf(g: Builder, node: Node, { query, key, value, bias, heads }: Operands) {
  const known = (x: Value | undefined, rank: number) => x?.shape?.length === rank;
  // [batch, positions, heads, parts, size] → parts of [batch, positions, heads, size]
  const unpack = (x: Value, parts: number) =>
    g.split(x, 3, new Array<number>(parts).fill(1)).map((part) => g.squeeze(part, [3]));
  const layouts = (): [Value, Value, Value] => {
    if (key === undefined && known(query, 5)) return unpack(query, 3) as [Value, Value, Value];
    if (key !== undefined && value === undefined && known(key, 5))
      return [query, ...unpack(key, 2)] as [Value, Value, Value];
    if (key === undefined || value === undefined)
      throw unsupportedForm(node, "with q, k and v packed in a layout its input's type does not tell");
    return [query, key, value];
  };
  const operands = layouts();
  const biases = bias ? biasParts(g, node, bias, operands, heads) : [];
  const [q, k, v] = operands.map((x, part) => {
    // Keys and values with heads in front come from elsewhere, their biases added.
    if (part > 0 && known(x, 4) && x === [query, key, value][part]) return x;
    const flat = known(x, 4) ? g.reshape(x, [0, 0, -1]) : x;
    return splitHeads(g, biases[part] ? g.add(flat, biases[part]) : flat, heads);
  }) as [Value, Value, Value];
  return { q, k, v };
}

/** The bias of all three operands, [width of q + width of k + width of v], in three. */
function biasParts(
  g: Builder,
  node: Node,
  bias: Value,
  [q, k]: readonly [Value, Value, Value],
  heads: number,
): readonly Value[] {
  const widthOf = (x: Value) => {
    const [last, rank] = [x.shape?.at(-1), x.shape?.length];
    return typeof last === "number" ? (rank === 4 ? last * heads : last) : undefined;
  };
  const [whole, width] = [bias.shape?.[0], widthOf(q) ?? widthOf(k)];
  if (typeof whole !== "number") throw unsupportedForm(node, "with a bias of unknown size");
  if (width === undefined) return g.split(bias, 0, [whole / 3, whole / 3, whole / 3]);
  return g.split(bias, 0, [width, width, whole - 2 * width]);
}
