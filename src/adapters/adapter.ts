import * as z from "zod";
import { type Random, random } from "../base/index.ts";
import { type Builder, elementCount, type Tensor, tensorOf, type Value } from "../graph/index.ts";
import type { Parameter } from "../parameters/index.ts";
import type { Edge, PlacedEdge, Placement } from "./placement.ts";

/**
 * What every adapter of a placement has in common; the command line makes its flags from this schema. The paper leaves
 * all but the norm and the scale open. W_up and its bias start at 0 and α at 1, so an untrained adapter is a no-op.
 */
export const AdapterOptions = z.strictObject({
  activation: z.enum(["gelu", "relu", "tanh", "none"]).default("gelu").describe("between an adapter's projections"),
  norm: z.boolean().default(true).describe("layer norm on an adapter's input"),
  bias: z.boolean().default(true).describe("biases on both projections of an adapter"),
  scale: z.enum(["scalar", "channel", "none"]).default("scalar").describe("an adapter's trainable factor"),
  beforeNorm: z.boolean().default(false).describe("in a post-norm model, add to the sum before a state's norm"),
  insideBranch: z
    .boolean()
    .default(false)
    .describe("sequential adapters act on a sub-layer's result before it is added to the stream"),
  factor: z.number().default(1).describe("fixed factor on what an adapter gives"),
  initScale: z.number().positive().default(1).describe("standard deviation of W_down at the start, times 1/√d"),
  start: z
    .enum(["default", "states", "gradient"])
    .default("default")
    .describe("W_down at the start: random, top directions of the states it reads, or of its edge's gradient"),
});
export type AdapterOptions = z.input<typeof AdapterOptions>;

const NORM_EPSILON = 1e-5;

/** The name of one of an adapter's tensors. */
export const nameOf = ({ from, to }: Edge, part: string) => `adapters.${from}-${to}.${part}`;

/** The trainable tensors of a placement on states of width `d`. */
export function adapterParameters(placement: Placement, d: number, options: AdapterOptions = {}): Parameter[] {
  const { norm, bias, scale } = AdapterOptions.parse(options);
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
  const std = AdapterOptions.parse(options).initScale / Math.sqrt(d);
  const tensors = new Map<string, Tensor>();
  for (const edge of placement) {
    const draw = random(seed, edge.from, edge.to);
    for (const { name, shape } of adapterParameters([edge], d, options))
      tensors.set(name, startOf(name, shape, draw, std));
  }
  return tensors;
}

function startOf(name: string, shape: readonly number[], draw: Random, std: number): Tensor {
  const data = new Float32Array(elementCount(shape));
  if (name.endsWith("norm.weight") || name.endsWith("scale")) data.fill(1);
  if (name.endsWith("down.weight")) for (let k = 0; k < data.length; k++) data[k] = std * draw.normal();
  return tensorOf("float32", shape, data);
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
  const { activation, norm, bias, scale, factor } = AdapterOptions.parse(options);
  const at = (part: string) => tensors.get(nameOf(edge, part))!;
  const input = adapterInput(g, x, edge, tensors, norm);
  const down = g.matmul(input, at("down.weight")); // [..., r]
  const hidden = activate(g, bias ? g.add(down, at("down.bias")) : down, activation);
  const up = g.matmul(hidden, at("up.weight")); // [..., d]
  const shifted = bias ? g.add(up, at("up.bias")) : up;
  const scaled = scale === "none" ? shifted : g.mul(shifted, at("scale"));
  return factor === 1 ? scaled : g.mul(scaled, g.scalar(factor));
}

/** What W_down is multiplied with: LN(x), or x itself without a norm. */
export function adapterInput(
  g: Builder,
  x: Value,
  edge: PlacedEdge,
  tensors: ReadonlyMap<string, Value>,
  norm = true,
): Value {
  if (!norm) return x;
  const weight = tensors.get(nameOf(edge, "norm.weight"))!;
  return g.layerNorm(x, weight, tensors.get(nameOf(edge, "norm.bias")), NORM_EPSILON);
}

function activate(g: Builder, x: Value, activation: z.output<typeof AdapterOptions>["activation"]): Value {
  return activation === "none" ? x : g[activation](x);
}
