import { type DifferentiateOptions, differentiate } from "../autodiff/index.ts";
import type { Builder, Value } from "../graph/index.ts";
import type { DeclaredParameters, ParameterLayout, ParameterVector, Vectors } from "../parameters/index.ts";

/** The name of the output that a vector's gradient is. */
export const gradientOf = (vector: string): string => `${vector}.gradient`;

/** Its shape. */
export const gradientShape = ({ size, entries }: ParameterVector): readonly number[] =>
  entries.length === 1 ? entries[0]!.shape : [size];

/**
 * Differentiate a value with respect to parameters: an output `<vector>.gradient` for each vector.
 * @returns  names of the outputs, in layout order
 */
export function appendGradients(
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
  // The runtime joins two reshapes in a node that it runs before all others, and would hold a whole backward's values for it.
  const reshaped = new Map(
    g.nodes().flatMap(({ op, inputs, outputs }) => (op === "Reshape" ? [[outputs[0]!, inputs[0]!]] : [])),
  );
  const flatten = (gradient: Value, size: number) =>
    g.reshape(g.value(reshaped.get(gradient.name) ?? gradient.name), [size]);
  return layout.map(({ name: vector, entries }) => {
    const parts = entries.map(({ name, size }) => ({ gradient: byName.get(name)!, size }));
    // Of a parameter alone as it is: flattening a graph's output copies it.
    const whole =
      parts.length === 1
        ? parts[0]!.gradient
        : g.concat(
            parts.map(({ gradient, size }) => flatten(gradient, size)),
            0,
          );
    return g.rename(whole, gradientOf(vector)).name;
  });
}

/** sums := sums + share · gradients, in place. */
export function addUp(sums: Vectors, gradients: Vectors, share: number): void {
  for (const [k, sum] of sums.entries()) {
    const gradient = gradients[k]!;
    for (let at = 0; at < sum.length; at++) sum[at]! += share * gradient[at]!;
  }
}
