import { asNumbers, elementCount, type Node, type Tensor } from "../graph/index.ts";
import type { GraphIndex } from "./graph-index.ts";
import { ancestors, type ResidualStep } from "./residual-steps.ts";

/** Whether a step's attention is kept from looking ahead: a triangular mask takes part in it. */
export function isCausal(index: GraphIndex, step: ResidualStep): boolean {
  const tokens = step.attended;
  if (tokens === undefined || tokens < 2) return false;
  return [...step.side].some((name) => {
    if (index.producer(name)?.op === "Trilu") return true;
    const tensor = index.graph.initializers.get(name);
    return tensor !== undefined && isTriangular(tensor, tokens);
  });
}

/** [.., tokens, tokens] with one value on and below the diagonal and another above it. */
function isTriangular(tensor: Tensor, tokens: number): boolean {
  const { shape, dtype } = tensor;
  if (dtype === "string" || shape.length < 2 || shape.at(-1) !== tokens || shape.at(-2) !== tokens) return false;
  const values = asNumbers(tensor);
  const [below, above] = [values[0]!, values[1]!];
  if (below === above) return false;
  for (let row = 0; row < tokens; row++)
    for (let column = 0; column < tokens; column++)
      if (values[row * tokens + column] !== (column > row ? above : below)) return false;
  return true;
}

/**
 * Whether a causal stack encodes its text, as CLIP's text tower does, and does not write on.
 *
 * The last token of such a tower has seen all others, and it alone is read: from the features each example's one token is
 * picked, at a position computed from the inputs (where the end-of-text id stands), before any product with a weight.
 * A decoder reads every token (its head, even one that classifies, works on all of them), or hands out keys and values.
 * The features and the hidden states may be outputs besides.
 * @param features  [batch, tokens, d]
 */
export function isTextTower(index: GraphIndex, features: string, states: readonly string[]): boolean {
  const kept = new Set([features, ...states]);
  const besides = (output: string) => {
    const before = ancestors(index, [output], (name) => name === features);
    return states.some((state) => before.has(state));
  };
  return onlyPicked(index, features) && index.graph.outputs.every((output) => kept.has(output) || !besides(output));
}

const LAYOUT = /^(Reshape|Flatten|Squeeze|Unsqueeze|Transpose|Identity|Cast)$/;

/** Whether all that reads the features, be it in another layout, picks one token of each example at a computed position. */
function onlyPicked(index: GraphIndex, features: string): boolean {
  const [batch, , d] = index.shape(features);
  let picks = 0;
  const pending = [features];
  for (let at = pending.pop(); at !== undefined; at = pending.pop())
    for (const node of index.consumers(at)) {
      const result = node.outputs[0]!;
      if (LAYOUT.test(node.op)) pending.push(result);
      else if (isPick(index, node, at) && elementCount(index.shape(result)) === batch! * d!) picks++;
      else return false;
    }
  return picks > 0;
}

const isPick = (index: GraphIndex, { op, inputs }: Node, data: string) =>
  /^Gather(ND|Elements)?$/.test(op) && inputs[0] === data && index.isData(inputs[1]!);
