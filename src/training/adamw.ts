import { type Builder, tensorOf, type Value } from "../graph/index.ts";
import type { DeclaredParameters, Entry, ParameterLayout } from "../parameters/index.ts";

/** Settings of the optimiser that are fixed in the graph; the learning rate is an input. */
export interface AdamWOptions {
  /** Decay of the gradient's mean; default 0.9. */
  readonly beta1?: number;
  /** Decay of its square; default 0.999. */
  readonly beta2?: number;
  /** Added to the root of the second moment; default 1e-8. */
  readonly epsilon?: number;
  /** Decoupled weight decay per unit of learning rate; default 0. */
  readonly weightDecay?: number;
  /** Largest norm of the whole gradient; larger ones are scaled down to it. Default: no limit. */
  readonly clipNorm?: number;
}

export const ADAMW_DEFAULTS = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 } as const;

/** Names of the scalar inputs an AdamW graph adds; `adamwFeeds` computes them. */
const INPUTS = ["learning_rate", "correction1", "correction2"] as const;

/**
 * Append one AdamW update (Loshchilov & Hutter 2019) of every vector:
 * m' = β₁m + (1−β₁)g,  v' = β₂v + (1−β₂)g²,  θ' = θ − lr·s·( m'·c₁ / (√(v'·c₂) + ε) + λθ ), c = 1/(1−βᵗ).
 *
 * Adds inputs `<vector>.m`, `<vector>.v` and the three scalars, and outputs `<vector>.next`, `.m.next`, `.v.next`.
 * @param gradients  by parameter name
 * @returns          names of the outputs, and the norm of the gradient before clipping
 */
export function appendAdamW(
  g: Builder,
  layout: ParameterLayout,
  { vectors }: DeclaredParameters,
  gradients: ReadonlyMap<string, Value>,
  options: AdamWOptions = {},
): { outputs: string[]; gradientNorm: Value } {
  const { beta1, beta2, epsilon, weightDecay, clipNorm } = { ...ADAMW_DEFAULTS, ...options };
  const [rate, correction1, correction2] = INPUTS.map((name) => g.input(name, "float32", [1])) as [Value, Value, Value];
  const flat = layout.map(({ entries }) =>
    g.concat(
      entries.map(({ name, size }) => g.reshape(gradients.get(name)!, [size])),
      0,
    ),
  );
  const squares = flat.map((gradient) => g.reduceSumSquare(gradient, [0]));
  const norm = g.sqrt(squares.reduce((sum, square) => g.add(sum, square)));
  const clip =
    clipNorm === undefined ? undefined : g.min(g.scalar(1), g.div(g.scalar(clipNorm), g.add(norm, g.scalar(1e-12))));

  const outputs = layout.flatMap(({ name, size, entries }, k) => {
    const theta = vectors[k]!;
    const [m, v] = [g.input(`${name}.m`, "float32", [size]), g.input(`${name}.v`, "float32", [size])];
    const gradient = clip ? g.mul(flat[k]!, clip) : flat[k]!;
    const blend = (old: Value, fresh: Value, beta: number) =>
      g.add(g.mul(old, g.scalar(beta)), g.mul(fresh, g.scalar(1 - beta)));
    const mNext = blend(m, gradient, beta1);
    const vNext = blend(v, g.mul(gradient, gradient), beta2);
    const direction = g.div(g.mul(mNext, correction1), g.add(g.sqrt(g.mul(vNext, correction2)), g.scalar(epsilon)));
    const decay = perElement(g, entries, (entry) => (entry.decay === false ? 0 : weightDecay));
    const scale = perElement(g, entries, (entry) => entry.learningRateScale ?? 1);
    const step = g.mul(g.add(direction, g.mul(theta, decay)), g.mul(scale, rate));
    return [
      g.rename(g.sub(theta, step), `${name}.next`),
      g.rename(mNext, `${name}.m.next`),
      g.rename(vNext, `${name}.v.next`),
    ].map((value) => value.name);
  });
  return { outputs, gradientNorm: norm };
}

/**
 * The scalar feeds of one update.
 * @param step  counted from 1
 */
export function adamwScalars(step: number, learningRate: number, options: AdamWOptions = {}): Record<string, number> {
  const { beta1, beta2 } = { ...ADAMW_DEFAULTS, ...options };
  return {
    learning_rate: learningRate,
    correction1: 1 / (1 - beta1 ** step),
    correction2: 1 / (1 - beta2 ** step),
  };
}

/** A number per element of a vector: one scalar where all entries agree, else a constant vector. */
function perElement(g: Builder, entries: readonly Entry[], of: (entry: Entry) => number): Value {
  const numbers = entries.map(of);
  if (numbers.every((number) => number === numbers[0])) return g.scalar(numbers[0]!);
  const data = new Float32Array(entries.reduce((sum, { size }) => sum + size, 0));
  entries.forEach(({ offset, size }, k) => {
    data.fill(numbers[k]!, offset, offset + size);
  });
  return g.constant(tensorOf("float32", [data.length], data));
}
