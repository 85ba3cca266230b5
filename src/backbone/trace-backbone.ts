import type { Graph } from "../graph/index.ts";
import { trace } from "../trace/index.ts";
import type { Backbone, ModelInput } from "./backbone.ts";

/** Sizes a static graph is made for. */
export interface TraceSizes {
  /** Rows of the model's input. */
  readonly batchSize: number;
  /** Tokens of a row, for texts. */
  readonly tokens?: number;
}

/** The backbone's graph at fixed sizes: every shape static, to be differentiated. */
export function traceBackbone(
  { graph, input, runtime }: Pick<Backbone, "graph" | "input" | "runtime">,
  sizes: TraceSizes,
  signal?: AbortSignal,
): Promise<Graph> {
  return trace(graph, inputShapes(input, sizes), runtime, { signal });
}

/** Names of the graph inputs a model is fed, and their shapes. */
export function inputShapes(input: ModelInput, { batchSize, tokens = 0 }: TraceSizes): Record<string, number[]> {
  if (input.kind === "image") return { [input.name]: [batchSize, 3, input.height, input.width] };
  const shape = [batchSize, input.fixedLength ?? tokens];
  return Object.fromEntries(textInputNames(input).map((name) => [name, shape]));
}

export const textInputNames = ({ ids, mask, types, positions }: ModelInput & { kind: "text" }): string[] =>
  [ids, mask, types, positions].filter((name) => name !== undefined);
