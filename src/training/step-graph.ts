import { type DifferentiateOptions, differentiate } from "../autodiff/index.ts";
import { type Builder, type Graph, prune, type Value } from "../graph/index.ts";
import { type DeclaredParameters, type ParameterLayout, parameterCount } from "../parameters/index.ts";
import { type AdamWOptions, appendAdamW } from "./adamw.ts";

/** A whole training step as one graph: forward, backward and, but for large models, update. */
export interface StepGraph {
  readonly graph: Graph;
  readonly layout: ParameterLayout;
  readonly optimizer: AdamWOptions;
  /** Whether it ends with the next vectors and moments; else with the gradients. */
  readonly updates: boolean;
}

/** From this many parameters on (64 MiB) a second set of them and their moments is too much: the update is then a graph of its own. */
const OWN_UPDATE_SIZE = 1 << 24;

/**
 * Close a forward graph into a step graph.
 * Outputs: `loss`, `gradient_norm`, the `extra` values asked for, under their names, and the next vectors and moments, or
 * `<vector>.gradient` where the update is done outside.
 * @param updates  default: with less than 2²⁴ parameters
 */
export function buildStepGraph(
  g: Builder,
  layout: ParameterLayout,
  parameters: DeclaredParameters,
  loss: Value,
  optimizer: AdamWOptions,
  extra: Readonly<Record<string, Value>> = {},
  {
    updates = parameterCount(layout) < OWN_UPDATE_SIZE,
    ...how
  }: DifferentiateOptions & { readonly updates?: boolean } = {},
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
  const squares = flat.map((gradient) => g.reduceSumSquare(gradient, [0]));
  const gradientNorm = g.sqrt(squares.reduce((sum, square) => g.add(sum, square)));
  const outputs = updates
    ? appendAdamW(g, layout, parameters, { gradients: flat, norm: gradientNorm }, optimizer)
    : flat.map((gradient, k) => g.rename(gradient, `${layout[k]!.name}.gradient`).name);
  const named = Object.entries({ loss, gradient_norm: gradientNorm, ...extra }).map(
    ([name, value]) => g.rename(value, name).name,
  );
  return { graph: prune(g.toGraph([...named, ...outputs])), layout, optimizer, updates };
}
