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

/** Names of the scalar inputs an AdamW graph adds; `adamwScalars` computes them. */
const INPUTS = ["learning_rate", "correction1", "correction2"] as const;

/**
 * Append one AdamW update (Loshchilov & Hutter 2019) of every vector:
 * m' = β₁m + (1−β₁)g,  v' = β₂v + (1−β₂)g²,  θ' = θ − lr·s·( m'·c₁ / (√(v'·c₂) + ε) + λθ ), c = 1/(1−βᵗ).
 *
 * Adds inputs `<vector>.m`, `<vector>.v` and the three scalars, and outputs `<vector>.next`, `.m.next`, `.v.next`.
 * @param flat  the gradient of each vector, and the norm of all
 * @returns     names of the outputs
 */
export function appendAdamW(
  g: Builder,
  layout: ParameterLayout,
  { vectors }: DeclaredParameters,
  { gradients, norm }: { readonly gradients: readonly Value[]; readonly norm: Value },
  options: AdamWOptions = {},
): string[] {
  const { weightDecay, clipNorm } = { ...ADAMW_DEFAULTS, ...options };
  const [rate, correction1, correction2] = INPUTS.map((name) => g.input(name, "float32", [1])) as [Value, Value, Value];
  const clip =
    clipNorm === undefined ? undefined : g.min(g.scalar(1), g.div(g.scalar(clipNorm), g.add(norm, g.scalar(1e-12))));

  return layout.flatMap(({ name, size, entries }, k) => {
    const gradient = gradients[k]!;
    const next = adamwOf(
      g,
      {
        theta: vectors[k]!,
        m: g.input(`${name}.m`, "float32", [size]),
        v: g.input(`${name}.v`, "float32", [size]),
        gradient: clip ? g.mul(gradient, clip) : gradient,
      },
      {
        ...{ rate, correction1, correction2 },
        decay: perElement(g, decaysOf(entries, weightDecay)),
        scale: perElement(g, scalesOf(entries)),
      },
      options,
    );
    return [
      g.rename(next.theta, `${name}.next`),
      g.rename(next.m, `${name}.m.next`),
      g.rename(next.v, `${name}.v.next`),
    ].map((value) => value.name);
  });
}

/** The update of one vector. @param gradient  clipped */
function adamwOf(
  g: Builder,
  { theta, m, v, gradient }: Readonly<Record<"theta" | "m" | "v" | "gradient", Value>>,
  { rate, correction1, correction2, decay, scale }: Readonly<Record<AdamWFactor, Value>>,
  options: AdamWOptions,
): Readonly<Record<"theta" | "m" | "v", Value>> {
  const { beta1, beta2, epsilon } = { ...ADAMW_DEFAULTS, ...options };
  const blend = (old: Value, fresh: Value, beta: number) =>
    g.add(g.mul(old, g.scalar(beta)), g.mul(fresh, g.scalar(1 - beta)));
  const mNext = blend(m, gradient, beta1);
  const vNext = blend(v, g.mul(gradient, gradient), beta2);
  const direction = g.div(g.mul(mNext, correction1), g.add(g.sqrt(g.mul(vNext, correction2)), g.scalar(epsilon)));
  const step = g.mul(g.add(direction, g.mul(theta, decay)), g.mul(scale, rate));
  return { theta: g.sub(theta, step), m: mNext, v: vNext };
}

/** What an update multiplies by: one number, or one for each element. */
type AdamWFactor = "rate" | "correction1" | "correction2" | "decay" | "scale";

/**
 * The scalar feeds of one update.
 * @param step  counted from 1
 */
export function adamwScalars(step: number, learningRate: number, options: AdamWOptions = {}) {
  const { beta1, beta2 } = { ...ADAMW_DEFAULTS, ...options };
  return {
    learning_rate: learningRate,
    correction1: 1 / (1 - beta1 ** step),
    correction2: 1 / (1 - beta2 ** step),
  };
}

/** Decay of each element of a vector; one number where all agree. */
const decaysOf = (entries: readonly Entry[], weightDecay: number): Float32Array =>
  spread(entries, ({ decay = true }) => (decay ? weightDecay : 0));

/** Factor on the learning rate of each element; one number where all agree. */
const scalesOf = (entries: readonly Entry[]): Float32Array =>
  spread(entries, ({ learningRateScale = 1 }) => learningRateScale);

function spread(entries: readonly Entry[], of: (entry: Entry) => number): Float32Array {
  const numbers = entries.map(of);
  if (numbers.every((number) => number === numbers[0])) return Float32Array.of(numbers[0]!);
  const data = new Float32Array(entries.reduce((sum, { size }) => sum + size, 0));
  entries.forEach(({ offset, size }, k) => {
    data.fill(numbers[k]!, offset, offset + size);
  });
  return data;
}

const perElement = (g: Builder, numbers: Float32Array): Value =>
  numbers.length === 1 ? g.scalar(numbers[0]!) : g.constant(tensorOf("float32", [numbers.length], numbers));
