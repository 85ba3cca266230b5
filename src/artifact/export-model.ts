import { bakedClassifier } from "../adapters/index.ts";
import { checkGraph, type Graph, prune } from "../graph/index.ts";
import type { Classifier } from "../training/index.ts";

/** The name of an exported model's output. */
export const LOGITS = "logits";

/**
 * A trained classifier as one plain ONNX graph: the backbone's own inputs, adapters baked in, one output `logits`
 * [batch, classes]. Made from the graph as it was read, never from a traced one: dynamic axes stay dynamic.
 */
export function exportModel({ backbone, spec, tensors }: Classifier): Graph {
  const { g, logits } = bakedClassifier(backbone, spec, tensors);
  const batch = backbone.graph.types.get(backbone.input.name)?.shape?.[0] ?? null;
  g.refine(logits, { dtype: logits.dtype, shape: [batch, spec.classes.length] });
  const metadata = new Map(backbone.graph.metadata).set("graft.classes", JSON.stringify(spec.classes));
  const graph = prune({ ...g.toGraph([g.rename(logits, LOGITS).name]), metadata });
  checkGraph(graph);
  return graph;
}
