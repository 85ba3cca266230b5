import { type Graph, productFlops } from "../graph/index.ts";

/** Steps of fewer operations are faster on one thread: waking the others takes longer than they save (docs/experiments.md). */
const SMALL = 5e7;

/** Threads for a graph where none are asked for: one for a small static graph, else the runtime's choice, all cores. */
export function threadsFor(graph: Graph): number | undefined {
  const values = [...graph.inputs, ...graph.nodes.flatMap(({ outputs }) => outputs.filter((name) => name !== ""))];
  const isStatic = values.every((name) => graph.types.get(name)?.shape?.every((dim) => typeof dim === "number"));
  return isStatic && productFlops(graph) < SMALL ? 1 : undefined;
}
