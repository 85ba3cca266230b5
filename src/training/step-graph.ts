import { type DifferentiateOptions, differentiate } from "../autodiff/index.ts";
import { type Builder, type Graph, prune, type Value } from "../graph/index.ts";
import type { DeclaredParameters, ParameterLayout } from "../parameters/index.ts";
import { type AdamWOptions, appendAdamW } from "./adamw.ts";

/** A whole training step as one graph: forward, backward and update. */
export interface StepGraph {
  readonly graph: Graph;
  readonly layout: ParameterLayout;
  readonly optimizer: AdamWOptions;
}

/**
 * Close a forward graph into a step graph.
 * Outputs: `loss`, `gradient_norm`, the next vectors and moments, and the `extra` values asked for, under their names.
 */
export function buildStepGraph(
  g: Builder,
  layout: ParameterLayout,
  parameters: DeclaredParameters,
  loss: Value,
  optimizer: AdamWOptions,
  extra: Readonly<Record<string, Value>> = {},
  how: DifferentiateOptions = {},
): StepGraph {
  const names = [...parameters.tensors.keys()];
  const gradients = differentiate(
    g,
    loss,
    names.map((name) => parameters.tensors.get(name)!),
    how,
  );
  const byName = new Map(names.map((name, k) => [name, gradients[k]!]));
  const { outputs, gradientNorm } = appendAdamW(g, layout, parameters, byName, optimizer);
  const named = Object.entries({ loss, gradient_norm: gradientNorm, ...extra }).map(
    ([name, value]) => g.rename(value, name).name,
  );
  return { graph: prune(g.toGraph([...named, ...outputs])), layout, optimizer };
}
