import type { DifferentiateOptions } from "../autodiff/index.ts";
import { type Builder, type Graph, prune, type Value } from "../graph/index.ts";
import type { DeclaredParameters, ParameterLayout } from "../parameters/index.ts";
import { appendGradients } from "./append-gradients.ts";

/** A training step but for its update as one graph: forward and backward. */
export interface StepGraph {
  readonly graph: Graph;
  readonly layout: ParameterLayout;
}

/**
 * Close a forward graph into a step graph.
 * Outputs: `loss`, the `extra` values asked for, under their names, and `<vector>.gradient` for each vector.
 */
export function buildStepGraph(
  g: Builder,
  layout: ParameterLayout,
  parameters: DeclaredParameters,
  loss: Value,
  extra: Readonly<Record<string, Value>> = {},
  how: DifferentiateOptions = {},
): StepGraph {
  const gradients = appendGradients(g, layout, parameters, loss, how);
  const named = Object.entries({ loss, ...extra }).map(([name, value]) => g.rename(value, name).name);
  return { graph: prune(g.toGraph([...named, ...gradients])), layout };
}
