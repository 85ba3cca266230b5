import type { Graph } from "../graph/index.ts";
import { trace } from "../trace/index.ts";
import type { Backbone } from "./backbone.ts";

/** The backbone's graph at a fixed batch size: every shape static, to be differentiated. */
export function traceBackbone(
  { graph, input, runtime }: Pick<Backbone, "graph" | "input" | "runtime">,
  batchSize: number,
  signal?: AbortSignal,
): Promise<Graph> {
  const shape = [batchSize, 3, input.height, input.width];
  return trace(graph, { [input.name]: shape }, runtime, signal ? { signal } : {});
}
