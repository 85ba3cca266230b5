import { type Graph, usedValues } from "../graph/index.ts";

/**
 * The frozen frontier of a graph: the last of the `candidates`, on the way from the inputs, that no trained value
 * reaches and that something trained is computed from. Given these, the graph needs nothing that lies before them.
 * @param trained     graph inputs that change from step to step, whatever the example
 * @param candidates  values worth keeping for each example, such as hidden states
 */
export function frozenFrontier(
  graph: Graph,
  trained: ReadonlySet<string>,
  candidates: ReadonlySet<string>,
): readonly string[] {
  const isTrained = new Set(trained);
  for (const node of graph.nodes)
    if (usedValues(node).some((name) => isTrained.has(name))) for (const name of node.outputs) isTrained.add(name);

  const frontier = new Set<string>();
  // What a trained node reads of the frozen part is followed back to the first candidates.
  const wanted = new Set<string>();
  for (const node of graph.nodes.toReversed()) {
    const reaches = node.outputs.some((name) => isTrained.has(name) || wanted.has(name));
    if (!reaches) continue;
    for (const name of usedValues(node)) {
      if (isTrained.has(name)) continue;
      if (candidates.has(name)) frontier.add(name);
      else wanted.add(name);
    }
  }
  return graph.nodes.flatMap((node) => node.outputs).filter((name) => frontier.has(name));
}
