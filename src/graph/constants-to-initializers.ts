import { constantOf } from "./constants.ts";
import type { Graph, Tensor } from "./types.ts";

/**
 * Turn `Constant` nodes into initializers of the same name, so that weights lie in one place and need no copy on their
 * way to the runtime. A constant that is itself an output of the graph stays a node, and so does a sparse one.
 */
export function constantsToInitializers(graph: Graph): Graph {
  const outputs = new Set(graph.outputs);
  const moved = new Map<string, Tensor>();
  const nodes = graph.nodes.filter((node) => {
    const name = node.outputs[0];
    const tensor = name === undefined || outputs.has(name) ? undefined : constantOf(node);
    if (name === undefined || tensor === undefined) return true;
    moved.set(name, tensor);
    return false;
  });
  if (moved.size === 0) return graph;
  return { ...graph, nodes, initializers: new Map([...graph.initializers, ...moved]) };
}
