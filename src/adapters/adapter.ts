import { type Random, random } from "../base/index.ts";
import type { Builder, Tensor, Value } from "../graph/index.ts";
import type { Parameter } from "../parameters/index.ts";
import type { PlacedEdge, Placement } from "./placement.ts";

export type Activation = "gelu" | "relu" | "tanh" | "none";

/** What every adapter of a placement has in common. The paper leaves all but the norm and the scale open. */
export interface AdapterOptions {
  /** Non-linearity between the two projections; default `gelu`. */
  readonly activation?: Activation;
  /** Layer norm on the adapter's input; default true (without it training is less stable: the paper, and EMBEDDED runs). */
  readonly norm?: boolean;
  /** Biases on both projections; default true. */
  readonly bias?: boolean;
  /** α: one trainable number, one per channel, or none; default `scalar`. */
  readonly scale?: "scalar" | "channel" | "none";
  /** Standard deviation of W_down, times 1/√d; default 1. W_up and its bias start at 0, α at 1: a no-op. */
  readonly initScale?: number;
}

export const ADAPTER_DEFAULTS = {
  activation: "gelu",
  norm: true,
  bias: true,
  scale: "scalar",
  initScale: 1,
} as const satisfies Required<AdapterOptions>;

const NORM_EPSILON = 1e-5;

const nameOf = ({ from, to }: PlacedEdge, part: string) => `adapters.${from}-${to}.${part}`;

/** The trainable tensors of a placement on states of width `d`. */
export function adapterParameters(placement: Placement, d: number, options: AdapterOptions = {}): Parameter[] {
  const { norm, bias, scale } = { ...ADAPTER_DEFAULTS, ...options };
  return placement.flatMap((edge) => {
    const parameter = (part: string, shape: readonly number[], decay = false) => ({
      name: nameOf(edge, part),
      shape,
      decay,
    });
    return [
      ...(norm ? [parameter("norm.weight", [d]), parameter("norm.bias", [d])] : []),
      parameter("down.weight", [d, edge.rank], true),
      ...(bias ? [parameter("down.bias", [edge.rank])] : []),
      parameter("up.weight", [edge.rank, d], true),
      ...(bias ? [parameter("up.bias", [d])] : []),
      ...(scale === "none" ? [] : [parameter("scale", [scale === "scalar" ? 1 : d])]),
    ];
  });
}

/** Starting values: W_down normal, W_up and biases 0, norm the identity, α 1. Each edge draws from a stream of its own. */
export function initialAdapters(
  placement: Placement,
  d: number,
  seed: number,
  options: AdapterOptions = {},
): Map<string, Tensor> {
  const std = (options.initScale ?? ADAPTER_DEFAULTS.initScale) / Math.sqrt(d);
  const tensors = new Map<string, Tensor>();
  for (const edge of placement) {
    const draw = random(seed, edge.from, edge.to);
    for (const { name, shape } of adapterParameters([edge], d, options))
      tensors.set(name, startOf(name, shape, draw, std));
  }
  return tensors;
}

function startOf(name: string, shape: readonly number[], draw: Random, std: number): Tensor {
  const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
  if (name.endsWith("norm.weight") || name.endsWith("scale")) data.fill(1);
  if (name.endsWith("down.weight")) for (let k = 0; k < data.length; k++) data[k] = std * draw.normal();
  return { dtype: "float32", shape, bytes: new Uint8Array(data.buffer) };
}

/**
 * A(x) = α · ( σ( LN(x) · W_down ) · W_up ), the paper's adapter.
 * @param x        [..., d]
 * @param tensors  the placement's parameters by name
 * @returns        [..., d]
 */
export function adapter(
  g: Builder,
  x: Value,
  edge: PlacedEdge,
  tensors: ReadonlyMap<string, Value>,
  options: AdapterOptions = {},
): Value {
  const { activation, norm, bias, scale } = { ...ADAPTER_DEFAULTS, ...options };
  const at = (part: string) => tensors.get(nameOf(edge, part))!;
  const input = norm ? g.layerNorm(x, at("norm.weight"), at("norm.bias"), NORM_EPSILON) : x;
  const down = g.matmul(input, at("down.weight")); // [..., r]
  const hidden = activate(g, bias ? g.add(down, at("down.bias")) : down, activation);
  const up = g.matmul(hidden, at("up.weight")); // [..., d]
  const shifted = bias ? g.add(up, at("up.bias")) : up;
  return scale === "none" ? shifted : g.mul(shifted, at("scale"));
}

function activate(g: Builder, x: Value, activation: Activation): Value {
  return activation === "none" ? x : g[activation](x);
}
