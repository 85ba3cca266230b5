import { GraftError } from "../base/index.ts";
import { describeNode } from "./attributes.ts";
import { usedValues } from "./onnx/used-values.ts";
import type { Graph, Node } from "./types.ts";

/**
 * Put nodes in topological order. Stable: a node waits for what it reads, otherwise the given order stands; a graph
 * that is in order is returned as it is.
 * @throws GraftError GRAPH for a cycle, naming a node and a value on it
 */
export function sortNodes(graph: Graph): Graph {
  const producer = new Map<string, number>();
  graph.nodes.forEach((node, k) => {
    for (const name of node.outputs) if (name !== "") producer.set(name, k);
  });
  const reads = graph.nodes.map((node) => usedValues(node).flatMap((name) => producer.get(name) ?? []));
  if (reads.every((from, k) => from.every((source) => source < k))) return graph;
  const order: Node[] = [];
  const state = new Uint8Array(graph.nodes.length); // 0 not met, 1 waiting for its inputs, 2 placed
  for (let root = 0; root < graph.nodes.length; root++) {
    // An explicit stack: models are deeper than the call stack.
    const stack: { node: number; next: number }[] = state[root] === 0 ? [{ node: root, next: 0 }] : [];
    state[root] ||= 1;
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const source = reads[top.node]![top.next++];
      if (source === undefined) {
        state[top.node] = 2;
        order.push(graph.nodes[top.node]!);
        stack.pop();
      } else if (state[source] === 1) {
        throw cycle(graph, graph.nodes[top.node]!, graph.nodes[source]!);
      } else if (state[source] === 0) {
        state[source] = 1;
        stack.push({ node: source, next: 0 });
      }
    }
  }
  return { ...graph, nodes: order };
}

function cycle(graph: Graph, node: Node, source: Node): GraftError {
  const value = usedValues(node).find((name) => source.outputs.includes(name));
  return new GraftError("GRAPH", {
    thing: describeNode(node),
    place: `graph "${graph.name}" has a cycle through its input "${value}"`,
    remedy: "A node cannot depend on its own output: export the model again",
  });
}
