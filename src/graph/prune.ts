import { usedValues } from "./onnx/used-values.ts";
import type { Graph } from "./types.ts";

/**
 * Drop every node that no output depends on, unread initializers, and types of values that are gone; order and inputs
 * are kept. What a subgraph (If, Loop, Scan) takes from around it counts as read.
 */
export function prune(graph: Graph): Graph {
  const live = new Set(graph.outputs);
  const nodes = graph.nodes.toReversed().filter((node) => {
    if (!node.outputs.some((name) => live.has(name))) return false;
    for (const name of usedValues(node)) live.add(name);
    return true;
  });
  const initializers = new Map([...graph.initializers].filter(([name]) => live.has(name)));
  const known = new Set([...graph.inputs, ...initializers.keys(), ...nodes.flatMap((node) => node.outputs)]);
  const types = new Map([...graph.types].filter(([name]) => known.has(name)));
  const same =
    nodes.length === graph.nodes.length &&
    initializers.size === graph.initializers.size &&
    types.size === graph.types.size;
  return same ? graph : { ...graph, nodes: nodes.reverse(), initializers, types };
}
