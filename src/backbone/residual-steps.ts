import type { Node } from "../graph/index.ts";
import { type GraphIndex, isWeightedProduct, sameShape, views } from "./graph-index.ts";

/** A sum x + F(x), F going through a product with a weight: one step of a residual stream. */
export interface ResidualStep {
  readonly sum: Node;
  /** The value that `sum` makes. */
  readonly output: string;
  /** x: where the two paths that meet in the sum part. */
  readonly source: string;
  /** The other operand, F(x). */
  readonly branch: string;
  /** Nodes of F, in order: what depends on x and leads to the branch. */
  readonly nodes: readonly Node[];
  /** Everything else the branch is computed from. */
  readonly side: ReadonlySet<string>;
  /** Last-axis size of the softmax that mixes tokens; undefined when nothing does: a feed-forward layer. */
  readonly attended: number | undefined;
}

/** All residual steps over values of 2 or 3 dimensions, in topological order. */
export function residualSteps(index: GraphIndex): readonly ResidualStep[] {
  return index.graph.nodes.flatMap((sum) => {
    const operands = sumOperands(index, sum);
    if (operands === undefined) return [];
    const [x, y] = operands;
    const step = residualStep(index, sum, x, y) ?? residualStep(index, sum, y, x);
    return step ? [step] : [];
  });
}

/** The two operands of a sum of equal shapes that both depend on the data. */
export function sumOperands(index: GraphIndex, node: Node): readonly [string, string] | undefined {
  if (node.domain !== "" || (node.op !== "Add" && node.op !== "Sum") || node.inputs.length !== 2) return undefined;
  const [x, y] = node.inputs as [string, string];
  if (!index.isData(x) || !index.isData(y)) return undefined;
  const shape = index.shape(x);
  return (shape.length === 2 || shape.length === 3) && sameShape(shape, index.shape(y)) ? [x, y] : undefined;
}

function residualStep(index: GraphIndex, sum: Node, skip: string, branch: string): ResidualStep | undefined {
  for (const source of views(index, skip)) {
    const nodes = pathNodes(index, source, branch);
    if (nodes === undefined) continue;
    // Every product that F needs lies on the way from x, or x would be used for scaling only.
    if (!nodes.some((node) => isWeightedProduct(index, node))) return undefined;
    const inside = new Set([source, ...nodes.flatMap((node) => node.outputs)]);
    const side = ancestors(
      index,
      nodes.flatMap((node) => node.inputs),
      (name) => inside.has(name),
    );
    return {
      sum,
      output: sum.outputs[0]!,
      source,
      branch,
      nodes,
      side,
      attended: attendedTokens(index, nodes, inside),
    };
  }
  return undefined;
}

/** Nodes on paths from one value to another, in order; undefined if there is no path. */
export function pathNodes(index: GraphIndex, from: string, to: string): readonly Node[] | undefined {
  const start = index.position(from);
  const region = ancestors(index, [to], (name) => name === from || index.position(name) <= start);
  const reached = new Set([from]);
  const nodes: Node[] = [];
  const positions = [...new Set([...region].map((name) => index.position(name)))].sort((a, b) => a - b);
  for (const position of positions) {
    const node = index.graph.nodes[position]!;
    if (!node.inputs.some((name) => reached.has(name))) continue;
    for (const name of node.outputs) reached.add(name);
    nodes.push(node);
  }
  return reached.has(to) && to !== from ? nodes : undefined;
}

/** Values the given ones are computed from, themselves included; what `stop` says yes to is neither kept nor passed. */
export function ancestors(index: GraphIndex, names: readonly string[], stop: (name: string) => boolean): Set<string> {
  const seen = new Set<string>();
  const pending = [...names];
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    if (at === "" || seen.has(at) || stop(at)) continue;
    seen.add(at);
    pending.push(...(index.producer(at)?.inputs ?? []));
  }
  return seen;
}

/** A branch attends when a softmax follows a product of two values that both come from x. */
function attendedTokens(index: GraphIndex, nodes: readonly Node[], inside: ReadonlySet<string>): number | undefined {
  const softmax = nodes.find(({ op }) => op === "Softmax");
  const mixes = nodes.some(
    ({ op, inputs }) => /^(MatMul|Einsum)$/.test(op) && inputs.every((name) => inside.has(name)),
  );
  return softmax && mixes ? index.shape(softmax.inputs[0]!).at(-1) : undefined;
}
