import { type DifferentiateOptions, differentiate } from "../autodiff/index.ts";
import type { Builder, Value } from "../graph/index.ts";
import type { DeclaredParameters, ParameterLayout } from "../parameters/index.ts";

/**
 * Add the gradient of a value to sums that are fed: inputs `<vector>.sum`, outputs `<vector>.sum.next`.
 * @returns  names of the outputs
 */
export function appendSums(
  g: Builder,
  layout: ParameterLayout,
  { tensors }: DeclaredParameters,
  value: Value,
  how: DifferentiateOptions = {},
): string[] {
  const names = [...tensors.keys()];
  const gradients = differentiate(
    g,
    value,
    names.map((name) => tensors.get(name)!),
    how,
  );
  const byName = new Map(names.map((name, k) => [name, gradients[k]!]));
  return layout.map(({ name, size, entries }) => {
    const flat = g.concat(
      entries.map((entry) => g.reshape(byName.get(entry.name)!, [entry.size])),
      0,
    );
    return g.rename(g.add(g.input(`${name}.sum`, "float32", [size]), flat), `${name}.sum.next`).name;
  });
}
