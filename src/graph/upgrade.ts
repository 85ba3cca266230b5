import type { Graph } from "./types.ts";

// PLACEHOLDER of the founder until the real upgrade lands: overwrite this file.
export function upgrade(graph: Graph, to = 20): Graph {
  if ((graph.opsets.get("") ?? 0) >= to) return graph;
  throw new Error("upgrade is not here yet");
}
