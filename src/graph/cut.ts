import { GraftError } from "../base/index.ts";
import { usedValues } from "./onnx/used-values.ts";
import { prune } from "./prune.ts";
import type { Graph } from "./types.ts";

/**
 * Make values inputs of the graph instead of computing them; what only they needed is gone, inputs included. A value of
 * unknown type becomes a float32 of any shape.
 * @throws GraftError VALUE_UNKNOWN for a value that no node makes
 */
export function cutAt(graph: Graph, values: readonly string[]): Graph {
  const cut = new Set(values);
  const made = new Set(graph.nodes.flatMap((node) => node.outputs));
  for (const name of values)
    if (!made.has(name))
      throw new GraftError("VALUE_UNKNOWN", {
        thing: `value "${name}"`,
        place: `graph "${graph.name}" does not compute it`,
        remedy: "Cut at the output of a node",
      });
  // A node that makes other values too stays for those, the cut one under a name that nothing reads.
  const nodes = graph.nodes.map((node) =>
    node.outputs.some((name) => cut.has(name))
      ? { ...node, outputs: node.outputs.map((name) => (cut.has(name) ? `${name}/uncut` : name)) }
      : node,
  );
  const types = new Map([...values.map((name) => [name, { dtype: "float32" }] as const), ...graph.types]);
  const pruned = prune({ ...graph, nodes, inputs: [...values, ...graph.inputs], types });
  const used = new Set([...pruned.nodes.flatMap(usedValues), ...pruned.outputs]);
  return { ...pruned, inputs: pruned.inputs.filter((name) => used.has(name)) };
}
