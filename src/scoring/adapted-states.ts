import { adapterParameters, insertAdapters } from "../adapters/index.ts";
import { GraftError } from "../base/index.ts";
import type { Builder, Graph, Value } from "../graph/index.ts";
import { describeMethod } from "../methods/index.ts";
import type { TunedModel } from "../training/index.ts";

/** A backbone's run with trained adapters in place, as one more edge would meet it. */
export interface AdaptedStates {
  /** x_j of each state: what one more edge from it reads, unless the edge is recurrent and reads the first run. */
  readonly states: readonly Value[];
  /** z_j, where one more edge into state j adds: before a sequential adapter that is there. No value of the first run. */
  readonly sums: readonly Value[];
  readonly features: Value;
}

/**
 * Put a trained model's adapters, as constants, into a builder that holds `graph`.
 * @throws GraftError ADAPTERS_NEEDED for a model that was trained by a method without edges
 */
export function adaptedStates(g: Builder, graph: Graph, { backbone, spec, tensors }: TunedModel): AdaptedStates {
  const { method } = spec;
  if (method.kind !== "adapters")
    throw new GraftError("ADAPTERS_NEEDED", {
      thing: `a model trained by "${describeMethod(method)}"`,
      place: "edges are scored behind adapters on a placement alone",
      remedy: "Train a placement, e.g. 4-5, or score the plain backbone",
    });
  const { placement, adapter } = method;
  const names = adapterParameters(placement, backbone.hiddenSize, adapter).map(({ name }) => name);
  const constants = new Map(names.map((name) => [name, g.constant(tensors.get(name)!, name)]));
  const sums: Value[] = [];
  const values = insertAdapters(g, graph, backbone, placement, constants, adapter, (j, z) => {
    // Both runs share what no adapter reaches, and what the first one gives is a constant: no gradient may pass through it.
    sums[j] = g.op("Identity", [z]);
    return sums[j];
  });
  const states = backbone.states.map((name) => values.get(name)!);
  return { states, sums, features: values.get(backbone.features)! };
}
