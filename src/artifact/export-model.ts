import { bakedModel } from "../adapters/index.ts";
import { textInputNames } from "../backbone/index.ts";
import { checkGraph, type Graph, prune } from "../graph/index.ts";
import { outputLevel } from "../objective/index.ts";
import { outputNames } from "../tasks/index.ts";
import type { TunedModel } from "../training/index.ts";

/** The name of an exported model's output: of a head, or the token features that embeddings are pooled from. */
export const LOGITS = "logits";
export const FEATURES = "last_hidden_state";

/**
 * A trained model as one plain ONNX graph: the backbone's own inputs, adapters baked in, and one output: `logits`
 * [batch, outputs] ([batch, tokens, outputs] for `tokens`), or of embeddings `last_hidden_state` [batch, tokens, d], to
 * be pooled as the backbone's are. Made from the graph as it was read, never from a traced one: dynamic axes stay dynamic.
 */
export function exportModel({ backbone, spec, tensors }: TunedModel): Graph {
  const { goal } = spec;
  const { g, features, output } = bakedModel(backbone, spec, tensors);
  const level = outputLevel(goal);
  const value = level === "embedding" ? features : output();
  const { input } = backbone;
  const first = input.kind === "text" ? textInputNames(input)[0]! : input.name;
  const [batch = null, tokens = null] = backbone.graph.types.get(first)?.shape ?? [];
  const width = level === "embedding" ? backbone.hiddenSize : outputNames(goal).length;
  const perToken = level !== "example" && input.kind === "text";
  const shape = perToken ? [batch, tokens, width] : level === "embedding" ? [batch, null, width] : [batch, width];
  g.refine(value, { dtype: value.dtype, shape });
  const metadata = new Map(backbone.graph.metadata).set("graft.goal", JSON.stringify(goal));
  const named = g.rename(value, level === "embedding" ? FEATURES : LOGITS).name;
  const graph = prune({ ...g.toGraph([named]), metadata });
  checkGraph(graph);
  return graph;
}
