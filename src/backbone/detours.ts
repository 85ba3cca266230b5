import { type GraphIndex, isWeightedProduct } from "./graph-index.ts";
import { normSource } from "./norm.ts";
import { ancestors, type ResidualStep, sumOperands } from "./residual-steps.ts";

/**
 * Sums that lead past the end of a post-norm block: norm(step) + convolution of an earlier state, as beside the first
 * block of DeBERTa-v2. What they make is normalised again and enters the next block.
 * @returns  the sum's value → the step whose norm it adds to
 */
export function convolutionDetours(
  index: GraphIndex,
  steps: ReadonlyMap<string, ResidualStep>,
): ReadonlyMap<string, ResidualStep> {
  const found = new Map<string, ResidualStep>();
  const convolved = index.graph.nodes.filter((node) => node.op === "Conv" && isWeightedProduct(index, node));
  if (convolved.length === 0) return found;
  const results = new Set(convolved.flatMap((node) => node.outputs));
  const isStep = (name: string) => steps.has(name);
  for (const node of index.graph.nodes) {
    const operands = sumOperands(index, node);
    if (!operands || isStep(node.outputs[0]!)) continue;
    for (const [at, other] of [operands, [operands[1], operands[0]]] as const) {
      const normed = normSource(index, at, isStep);
      const step = normed === undefined ? undefined : steps.get(normed);
      if (!step) continue;
      const before = ancestors(index, [other], (name) => name === step.source);
      if ([...results].some((name) => before.has(name)) && !before.has(step.output)) found.set(node.outputs[0]!, step);
    }
  }
  return found;
}
