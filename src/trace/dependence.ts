import { type DataType, elementCount, type Graph, type Node, RANDOM_OPERATORS, usedValues } from "../graph/index.ts";

/**
 * What a value follows from: `shapes` alone (integers, scalars and what is computed from them: may be folded once shapes
 * are bound), `weights` too (constant, but left in the graph so that it stays differentiable), or the `data` fed.
 */
export type Dependence = "shapes" | "weights" | "data";

const ORDER: readonly Dependence[] = ["shapes", "weights", "data"];

/** Types that shape arithmetic and masks are made of. Floating-point and quantised tensors are weights. */
const ARITHMETIC: ReadonlySet<DataType> = new Set(["int64", "int32", "bool", "string"]);

/** What each value of a graph follows from. */
export function dependences(graph: Graph): ReadonlyMap<string, Dependence> {
  const found = new Map<string, Dependence>();
  for (const name of graph.inputs) found.set(name, "data");
  for (const [name, { dtype, shape }] of graph.initializers)
    found.set(name, ARITHMETIC.has(dtype) || elementCount(shape) === 1 ? "shapes" : "weights");
  for (const node of graph.nodes) {
    const dependence = dependenceOf(node, found);
    for (const name of node.outputs) if (name !== "") found.set(name, dependence);
  }
  return found;
}

function dependenceOf(node: Node, found: ReadonlyMap<string, Dependence>): Dependence {
  if (isShapeQuery(node)) return "shapes";
  if (RANDOM_OPERATORS.has(node.op)) return "data";
  const worst = Math.max(0, ...usedValues(node).map((name) => ORDER.indexOf(found.get(name) ?? "data")));
  return ORDER[worst]!;
}

/** Whether a node looks at its input's shape only. */
export const isShapeQuery = (node: Node) => node.domain === "" && (node.op === "Shape" || node.op === "Size");
