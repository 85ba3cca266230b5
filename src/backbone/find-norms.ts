import { type GraphIndex, sameShape } from "./graph-index.ts";
import { normSource } from "./norm.ts";

const FUSED = /^(LayerNormalization|RMSNormalization|SimplifiedLayerNormalization)$/;

/**
 * The gains and biases of all norms, fused or written out: constant rows that scale or shift what is a norm after it.
 * @returns  value names, in the order they are read
 */
export function findNorms(index: GraphIndex): readonly string[] {
  const found = new Set<string>();
  for (const node of index.graph.nodes) {
    if (FUSED.test(node.op)) for (const name of node.inputs.slice(1)) found.add(name);
    if (node.domain !== "" || (node.op !== "Mul" && node.op !== "Add")) continue;
    const row = node.inputs.find((name) => isRow(index, name));
    if (row !== undefined && normSource(index, node.outputs[0]!, (name) => isSum(index, name)) !== undefined)
      found.add(row);
  }
  found.delete("");
  return [...found];
}

/** A constant [.., d] of one row. */
function isRow(index: GraphIndex, name: string): boolean {
  if (name === "" || index.isData(name)) return false;
  const shape = index.shape(name);
  return (shape.at(-1) ?? 1) > 1 && shape.slice(0, -1).every((size) => size === 1);
}

/** A sum of two results, as a residual stream's: no part of a norm. */
function isSum(index: GraphIndex, name: string): boolean {
  const node = index.producer(name);
  if (node?.op !== "Add") return false;
  const [x, y] = node.inputs as [string, string];
  return index.isData(x) && index.isData(y) && sameShape(index.shape(x), index.shape(y));
}
