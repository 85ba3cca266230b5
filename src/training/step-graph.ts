import { type DifferentiateOptions, differentiate } from "../autodiff/index.ts";
import { type Builder, type Graph, prune, type Value } from "../graph/index.ts";
import type { DeclaredParameters, ParameterLayout } from "../parameters/index.ts";
import type { AdamWOptions } from "./adamw.ts";

/** A training step but for its update as one graph: forward and backward. */
export interface StepGraph {
  readonly graph: Graph;
  readonly layout: ParameterLayout;
  readonly optimizer: AdamWOptions;
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
  const flat = layout.map(({ entries }) =>
    g.concat(
      entries.map(({ name, size }) => g.reshape(byName.get(name)!, [size])),
      0,
    ),
  );
  const outputs = flat.map((gradient, k) => g.rename(gradient, `${layout[k]!.name}.gradient`).name);
  const named = Object.entries({ loss, ...extra }).map(([name, value]) => g.rename(value, name).name);
  return { graph: prune(g.toGraph([...named, ...outputs])), layout, optimizer };
}
