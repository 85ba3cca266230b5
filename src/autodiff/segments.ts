import {
  type Builder,
  byteLength,
  elementCount,
  type Node,
  RANDOM_OPERATORS,
  usedValues,
  type Value,
} from "../graph/index.ts";

/**
 * Places, as indices of the last node before them, that cut a forward pass into segments: where few values are read across, as at a
 * transformer's hidden states. A cut that keeps values is worth it where at least four times their bytes lie behind it.
 */
export function cutsOf(g: Builder, nodes: readonly Node[]): readonly number[] {
  const home = new Map<string, string>();
  const lastRead = new Map<string, number>();
  const bytesOf = (name: string) => {
    const { dtype, shape = [] } = g.value(name);
    return byteLength(dtype, elementCount(shape.map((dim) => (typeof dim === "number" ? dim : 0))));
  };
  nodes.forEach((node, k) => {
    const [input = ""] = node.inputs;
    if (VIEWS.has(node.op)) for (const name of node.outputs) home.set(name, home.get(input) ?? input);
    for (const name of usedValues(node)) lastRead.set(home.get(name) ?? name, k);
  });
  const live = nodes.map(() => 0);
  const made = nodes.map(() => 0);
  nodes.forEach((node, k) => {
    for (const name of node.outputs.filter((name) => name !== "" && !home.has(name))) {
      made[k]! += bytesOf(name);
      for (let at = k; at < (lastRead.get(name) ?? k); at++) live[at]! += bytesOf(name);
    }
  });
  const cuts: number[] = [];
  let dropped = 0;
  for (let k = 0; k + 1 < nodes.length; k++) {
    dropped += made[k]!;
    const isLeast = live[k]! <= (live[k - 1] ?? 0) && live[k]! < live[k + 1]!;
    if (!isLeast || dropped < LEAST_GAIN * live[k]!) continue;
    cuts.push(k);
    dropped = 0;
  }
  return cuts;
}

const LEAST_GAIN = 4;

/** Operators whose output is their first input, seen otherwise. */
const VIEWS = new Set("Reshape Flatten Squeeze Unsqueeze Identity".split(" "));

/** Values that do not follow from constants alone, inputs among them. */
export function computedValues(g: Builder): ReadonlySet<string> {
  const constants = new Set([""]);
  const computed = new Set<string>();
  for (const node of g.nodes()) {
    for (const name of usedValues(node))
      if (!constants.has(name) && g.constantOf(g.value(name)) === undefined) computed.add(name);
    const made = usedValues(node).some((name) => computed.has(name)) ? computed : constants;
    for (const name of node.outputs) made.add(name);
  }
  return computed;
}

/** A zero that is there no earlier than a value: what adds it waits. */
export const zeroAfter = (g: Builder, { name }: Value): Value => {
  const value = g.value(name);
  const flat = g.reshape(value, [-1]);
  return g.mul(g.slice(flat, 0, 0, 1), g.scalar(0, value.dtype));
};

/**
 * What computes a segment's values again, one by one as they are asked for, once `zero` is there. What the segment only reads, what later
 * ones read of it (`kept`) and what is drawn at random stays as it was.
 */
export function computeAgain(
  g: Builder,
  nodes: readonly Node[],
  kept: (name: string) => boolean,
  waits: (name: string) => boolean,
  zero: Value,
): (name: string) => Value {
  const makers = new Map<string, Node>();
  for (const node of nodes)
    if (!RANDOM_OPERATORS.has(node.op) && node.op !== "Dropout")
      for (const name of node.outputs) if (name !== "" && !kept(name)) makers.set(name, node);
  const copies = new Map<string, Value>();
  // A copy of equal inputs would be the original: the first ones wait for the cotangent.
  const late = (name: string) => (waits(name) ? g.add(g.value(name), zero) : g.value(name));
  const again = (name: string): Value => {
    const node = makers.get(name);
    if (!node) return g.value(name);
    if (!copies.has(name)) {
      const inputs = node.inputs.map((input) =>
        input === "" ? undefined : makers.has(input) ? again(input) : late(input),
      );
      const { attributes, domain } = node;
      const outputs = node.outputs.map((output, k) => (output === "" ? "" : `?${k}`));
      const made = g.ops(node.op, inputs, outputs.length, attributes, { domain, outputs });
      node.outputs.forEach((output, k) => {
        if (output !== "") copies.set(output, g.refine(made[k]!, g.value(output)));
      });
    }
    return copies.get(name)!;
  };
  return again;
}
