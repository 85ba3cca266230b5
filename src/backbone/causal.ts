import { asNumbers, type Tensor } from "../graph/index.ts";
import type { GraphIndex } from "./graph-index.ts";
import type { ResidualStep } from "./residual-steps.ts";

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
