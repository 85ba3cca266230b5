import { random } from "../../src/base/index.ts";
import type { Graph, Node } from "../../src/graph/index.ts";

export interface Shuffled {
  readonly graph: Graph;
  /** New name of every old name. */
  readonly renamed: (name: string) => string;
}

/**
 * The same graph under other names and in another order: all values and nodes get random names, nodes a random
 * topological order, initializers a random one. Subgraphs are not renamed: for graphs without control flow.
 */
export function shuffleGraph(graph: Graph, seed: number): Shuffled {
  const draw = random(seed);
  const names = new Map<string, string>();
  const renamed = (name: string): string => {
    if (name === "") return "";
    let fresh = names.get(name);
    if (fresh === undefined) {
      fresh = `${String.fromCharCode(97 + draw.int(26))}${Math.floor(draw.next() * 2 ** 32).toString(36)}_${names.size}`;
      names.set(name, fresh);
    }
    return fresh;
  };
  const shuffled = <T>(items: readonly T[]): T[] => Array.from(draw.permutation(items.length), (k) => items[k]!);
  const initializers = new Map(shuffled([...graph.initializers]).map(([name, tensor]) => [renamed(name), tensor]));

  const waiting = shuffled(graph.nodes);
  const ready = new Set(["", ...graph.inputs, ...graph.initializers.keys()]);
  const nodes: Node[] = [];
  while (waiting.length > 0) {
    const open = waiting.flatMap((node, k) => (node.inputs.every((name) => ready.has(name)) ? [k] : []));
    const [node] = waiting.splice(open[draw.int(open.length)]!, 1) as [Node];
    for (const name of node.outputs) ready.add(name);
    nodes.push({
      ...node,
      name: `n${nodes.length}_${draw.int(1e6)}`,
      inputs: node.inputs.map(renamed),
      outputs: node.outputs.map(renamed),
    });
  }
  return {
    renamed,
    graph: {
      ...graph,
      name: "shuffled",
      nodes,
      initializers,
      inputs: graph.inputs.map(renamed),
      outputs: graph.outputs.map(renamed),
      types: new Map([...graph.types].map(([name, type]) => [renamed(name), type])),
    },
  };
}
