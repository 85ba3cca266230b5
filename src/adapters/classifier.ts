import type { Backbone } from "../backbone/index.ts";
import { type Builder, createBuilder, type Graph, prune, type Tensor, type Value } from "../graph/index.ts";
import { headParameters, linearHead, pool } from "../objective/index.ts";
import type { Parameter } from "../parameters/index.ts";
import { type AdapterOptions, adapterParameters } from "./adapter.ts";
import { insertAdapters } from "./insert.ts";
import type { Placement } from "./placement.ts";

/** What is trained on a backbone: adapters on a placement, and a linear head over pooled features. */
export interface ClassifierSpec {
  readonly placement: Placement;
  readonly adapter: AdapterOptions;
  readonly classes: readonly string[];
}

/** Every trainable tensor of a classifier, adapters first. */
export function classifierParameters(backbone: Backbone, { placement, adapter, classes }: ClassifierSpec): Parameter[] {
  return [
    ...adapterParameters(placement, backbone.hiddenSize, adapter),
    ...headParameters(backbone.hiddenSize, backbone.pooling, classes.length),
  ];
}

/** A backbone's graph, as read or traced, without the head it may have: names such as `logits` become free. */
export const upToFeatures = (backbone: Backbone, graph: Graph): Graph =>
  prune({ ...graph, outputs: [backbone.features] });

/**
 * Append the classifier to a builder that holds `graph`.
 * @param graph    the backbone's graph, `upToFeatures`
 * @param tensors  the parameters of `classifierParameters` by name
 * @returns        logits, [batch, classes]
 */
export function classifier(
  g: Builder,
  backbone: Backbone,
  graph: Graph,
  { placement, adapter }: ClassifierSpec,
  tensors: ReadonlyMap<string, Value>,
): Value {
  const values = insertAdapters(g, graph, backbone, placement, tensors, adapter);
  const pooled = pool(g, values.get(backbone.features)!, backbone.pooling);
  return linearHead(g, pooled, tensors.get("head.weight")!, tensors.get("head.bias")!);
}

/** Build on the backbone's graph as read, with the parameters as constants: what is evaluated and exported. */
export function bakedClassifier(
  backbone: Backbone,
  spec: ClassifierSpec,
  tensors: ReadonlyMap<string, Tensor>,
): { g: Builder; logits: Value } {
  const graph = upToFeatures(backbone, backbone.graph);
  const g = createBuilder(graph);
  const constants = new Map([...tensors].map(([name, tensor]) => [name, g.constant(tensor, name)]));
  return { g, logits: classifier(g, backbone, graph, spec, constants) };
}
