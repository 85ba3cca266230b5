import { asNumbers, attribute } from "../graph/index.ts";
import { type GraphIndex, sameShape } from "./graph-index.ts";

/** Leading tokens of [batch, tokens, d] that come from no input: constants joined (or zeros padded) in front. */
export function prefixTokens(index: GraphIndex, state: string): number {
  let count = 0;
  for (let at: string | undefined = state; at !== undefined; ) {
    const node = index.producer(at);
    if (node === undefined || index.shape(at).length !== 3) break;
    const data = node.inputs.filter((name) => name !== "" && index.isData(name));
    const next: string | undefined = data.length === 1 ? data[0] : undefined;
    if (node.op === "Concat" && [1, -2].includes(attribute(node, "axis", "int"))) {
      for (const name of node.inputs) {
        if (index.isData(name)) break;
        count += index.shape(name)[1]!;
      }
    } else if (node.op === "Pad") {
      count += padBefore(index, node.inputs, at);
    } else if (next !== undefined && !sameShape(index.shape(next), index.shape(at))) break;
    at = next;
  }
  return count;
}

/** Zeros that a Pad puts in front of the tokens axis. */
function padBefore(index: GraphIndex, inputs: readonly string[], output: string): number {
  const numbers = (name: string | undefined) => {
    const tensor = name ? index.graph.initializers.get(name) : undefined;
    return tensor && asNumbers(tensor);
  };
  const rank = index.shape(output).length;
  const axes = numbers(inputs[3])?.map((axis) => (axis + rank) % rank) ?? [0, 1, 2];
  const at = axes.indexOf(1);
  return at < 0 ? 0 : (numbers(inputs[1])?.[at] ?? 0);
}
