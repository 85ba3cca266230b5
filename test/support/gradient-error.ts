import { differentiate } from "../../src/autodiff/index.ts";
import { random } from "../../src/base/index.ts";
import {
  BUILD_OPSET,
  type Builder,
  createBuilder,
  type DataType,
  type Graph,
  prune,
  staticShape,
  tensorOf,
  type Value,
} from "../../src/graph/index.ts";
import type { HostTensor } from "../../src/runtime/index.ts";
import { nodeRuntime } from "../../src/runtime/node.ts";

/** An operand of a case: floating-point ones are graph inputs and differentiated, constants are not. */
export type Operand =
  | { readonly kind: "float"; readonly shape: readonly number[]; readonly values: readonly number[] }
  | {
      readonly kind: "constant";
      readonly dtype: "int64" | "float";
      readonly shape: readonly number[];
      readonly values: readonly number[];
    }
  | {
      readonly kind: "fed";
      readonly dtype: "int64" | "bool";
      readonly shape: readonly number[];
      readonly values: readonly number[];
    };

/** Standard normal numbers, at least `gap` away from each of `avoid` (kinks, where differences say nothing). */
export function normal(shape: readonly number[], seed: number, avoid: readonly number[] = [], gap = 0.15): Operand {
  const stream = random(seed, ...shape);
  const draw = (): number => {
    const x = stream.normal();
    return avoid.some((kink) => Math.abs(x - kink) < gap) ? draw() : x;
  };
  return { kind: "float", shape, values: Array.from({ length: count(shape) }, draw) };
}

/** Uniform numbers in [low, high). */
export function uniform(shape: readonly number[], seed: number, low: number, high: number): Operand {
  const stream = random(seed, ...shape);
  return { kind: "float", shape, values: Array.from({ length: count(shape) }, () => stream.uniform(low, high)) };
}

/** Numbers at least 0.3 apart, in random order: no two come near enough to swap places in a maximum. */
export function distinct(shape: readonly number[], seed: number): Operand {
  const stream = random(seed, ...shape);
  const order = stream.permutation(count(shape));
  return { kind: "float", shape, values: Array.from(order, (k) => 0.4 * k - 1 + stream.uniform(0, 0.1)) };
}

export const integers = (values: readonly number[], shape: readonly number[] = [values.length]): Operand => ({
  kind: "constant",
  dtype: "int64",
  shape,
  values,
});
export const fedIntegers = (values: readonly number[], shape: readonly number[] = [values.length]): Operand => ({
  kind: "fed",
  dtype: "int64",
  shape,
  values,
});
export const booleans = (values: readonly number[], shape: readonly number[]): Operand => ({
  kind: "fed",
  dtype: "bool",
  shape,
  values,
});

const count = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

export interface GradientCheck {
  readonly inputs: readonly Operand[];
  /** Type of the floating-point operands; float64 wherever the runtime has such a kernel. */
  readonly dtype: "float32" | "float64";
  /** Operator set the graph is written in; default the one new graphs get. */
  readonly opset?: number;
  /** Step of the differences. */
  readonly step: number;
  /** Outputs of the function; their sum weighted with fixed random numbers is the loss. */
  readonly build: (g: Builder, operands: readonly Value[]) => readonly Value[];
}

/**
 * How far our gradients are from five-point central differences: max |ours − numeric| / max |numeric|, the worst over
 * all operands; where an operand's gradient is zero everywhere, max |ours|. The differences are taken of the outputs as
 * fetched and summed in float64, so a float32 loss loses no digits.
 */
export async function gradientError({
  inputs,
  dtype,
  opset = BUILD_OPSET,
  step,
  build,
}: GradientCheck): Promise<number> {
  const g = createBuilder({ ...createBuilder().toGraph([]), opsets: new Map([["", opset]]) });
  const operands = inputs.map((operand, k) => {
    if (operand.kind === "constant")
      return g.constant(tensorOf(operand.dtype === "float" ? dtype : operand.dtype, operand.shape, operand.values));
    return g.input(`x${k}`, operand.kind === "fed" ? operand.dtype : dtype, operand.shape);
  });
  const outputs = build(g, operands);
  const weights = outputs.map((y, k) => weightsFor(staticShape(y), k));
  const forward = g.toGraph(outputs.map((y) => y.name));
  const terms = outputs.map((y, k) =>
    g.reduceSum(
      g.mul(g.cast(y, dtype), g.constant(tensorOf(dtype, staticShape(y), weights[k]!))),
      staticShape(y).map((_, axis) => axis),
      false,
    ),
  );
  const loss = terms.reduce((a, b) => g.add(a, b));
  const differentiated = inputs.flatMap((operand, k) => (operand.kind === "float" ? [k] : []));
  const gradients = differentiate(
    g,
    loss,
    differentiated.map((k) => operands[k]!),
  );
  gradients.forEach((gradient, n) => {
    const expected = operands[differentiated[n]!]!;
    if (String(gradient.shape) !== String(expected.shape) || gradient.dtype !== expected.dtype)
      throw new Error(
        `gradient ${n} is ${gradient.dtype}[${gradient.shape}], not ${expected.dtype}[${expected.shape}]`,
      );
  });
  const names = gradients.map((gradient, n) => g.rename(gradient, `gradient${n}`).name);

  const feeds: Record<string, HostTensor> = {};
  inputs.forEach((operand, k) => {
    if (operand.kind !== "constant") feeds[`x${k}`] = host(operand.kind === "fed" ? operand.dtype : dtype, operand);
  });
  const ours = await run(prune(g.toGraph(names)), feeds);
  const session = await nodeRuntime.open(forward, { threads: 1 });
  const first = await session.run(feeds);
  for (const y of outputs)
    if (String(first[y.name]!.shape) !== String(y.shape) || first[y.name]!.dtype !== y.dtype)
      throw new Error(`inferred ${y.dtype}[${y.shape}], ran as ${first[y.name]!.dtype}[${first[y.name]!.shape}]`);
  const lossAt = async (name: string, element: number, change: number): Promise<number> => {
    const data = feeds[name]!.data as Float64Array;
    const kept = data[element]!;
    data[element] = kept + change;
    const fetched = await session.run(feeds);
    data[element] = kept;
    return outputs.reduce((sum, y, k) => sum + dot(fetched[y.name]!.data as Float64Array, weights[k]!), 0);
  };
  let worst = 0;
  for (const [n, k] of differentiated.entries()) {
    const gradient = ours[names[n]!]!.data as Float64Array;
    if (String(ours[names[n]!]!.shape) !== String(inputs[k]!.shape))
      throw new Error(`gradient ${n} ran as [${ours[names[n]!]!.shape}], not [${inputs[k]!.shape}]`);
    const numeric: number[] = [];
    for (let element = 0; element < gradient.length; element++) {
      const at = (factor: number) => lossAt(`x${k}`, element, factor * step);
      numeric.push((8 * ((await at(1)) - (await at(-1))) - ((await at(2)) - (await at(-2)))) / (12 * step));
    }
    const scale = Math.max(...numeric.map(Math.abs)) || 1;
    numeric.forEach((expected, element) => {
      const error = Math.abs(gradient[element]! - expected) / scale;
      worst = Number.isNaN(error) ? Number.POSITIVE_INFINITY : Math.max(worst, error);
    });
  }
  await session.release();
  return worst;
}

/** Run a graph once. */
export async function run(graph: Graph, feeds: Record<string, HostTensor> = {}): Promise<Record<string, HostTensor>> {
  const known = new Set(graph.inputs);
  const session = await nodeRuntime.open(graph, { threads: 1 });
  const results = await session.run(Object.fromEntries(Object.entries(feeds).filter(([name]) => known.has(name))));
  await session.release();
  return results;
}

export function host(
  dtype: DataType,
  { shape, values }: { shape: readonly number[]; values: readonly number[] },
): HostTensor {
  const data = {
    float32: () => Float32Array.from(values),
    float64: () => Float64Array.from(values),
    int64: () => BigInt64Array.from(values, BigInt),
    bool: () => Uint8Array.from(values),
  }[dtype as "float32" | "float64" | "int64" | "bool"]();
  return { dtype, shape, data };
}

function weightsFor(shape: readonly number[], output: number): number[] {
  const stream = random(99, output);
  return Array.from({ length: count(shape) }, () => stream.normal());
}

const dot = (a: ArrayLike<number>, b: readonly number[]) => b.reduce((sum, weight, k) => sum + a[k]! * weight, 0);
