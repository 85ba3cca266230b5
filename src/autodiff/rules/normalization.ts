import { attribute, type Builder, float, int, staticShape, type Value } from "../../graph/index.ts";
import { NEWEST_OPSET, product, range, refuseFrom, sumTo, unsupported, type VjpRule, wrapAxis } from "../rule.ts";

/**
 * x̂ = (x − μ) / σ over the axes from `axis` on, y = x̂ · γ + β, σ = √(var + ε)
 *   ⇒  with h = dy · γ:  dx = (h − mean(h) − x̂ · mean(h · x̂)) / σ,  dγ = Σ dy · x̂,  dβ = Σ dy
 *
 * x̂ and 1/σ come from a second LayerNormalization of ours with γ = 1: the optional outputs of the one in the model
 * are not written by every exporter.
 */
export const LayerNormalization: VjpRule = {
  opset: [17, NEWEST_OPSET],
  vjp(g, { node, inputs: [x, gamma, beta], cotangents: [dy, ...others], wanted }) {
    if (others.some((cotangent) => cotangent)) throw unsupported(node, "through its mean or deviation output");
    const shape = staticShape(x!);
    const axis = wrapAxis(attribute(node, "axis", "int", -1), shape.length);
    const axes = range(shape.length).slice(axis);
    const epsilon = attribute(node, "epsilon", "float", 1e-5);
    const [normed, inverse] = standardized(g, x!, axes, epsilon);
    return [
      wanted[0] ? standardizedVjp(g, g.mul(dy!, gamma!), normed, inverse, axes) : undefined,
      wanted[1] ? sumTo(g, g.mul(dy!, normed), staticShape(gamma!)) : undefined,
      beta && wanted[2] ? sumTo(g, dy!, staticShape(beta)) : undefined,
    ];
  },
};

/** As LayerNormalization, over the axes behind the channels of each example; γ and β per channel. */
export const InstanceNormalization: VjpRule = {
  opset: [6, NEWEST_OPSET],
  vjp(g, { node, inputs: [x, gamma, beta], cotangents: [dy], wanted }) {
    const rank = staticShape(x!).length;
    const axes = range(rank).slice(2);
    const [normed, inverse] = standardized(g, x!, axes, attribute(node, "epsilon", "float", 1e-5));
    const h = g.mul(dy!, perChannel(g, gamma!, rank));
    return [
      wanted[0] ? standardizedVjp(g, h, normed, inverse, axes) : undefined,
      wanted[1] ? sumToChannels(g, g.mul(dy!, normed)) : undefined,
      beta && wanted[2] ? sumToChannels(g, dy!) : undefined,
    ];
  },
};

/**
 * y = (x − μ) / σ · γ + β per channel with given statistics, σ = √(var + ε)
 *   ⇒  dx = dy · γ / σ,  dγ = Σ dy · (x − μ) / σ,  dβ = Σ dy
 */
export const BatchNormalization: VjpRule = {
  opset: [14, NEWEST_OPSET],
  vjp(g, { node, inputs: [x, gamma, , mean, variance], cotangents: [dy], wanted }) {
    if (attribute(node, "training_mode", "int", 0) === 1) throw unsupported(node, "in training mode");
    refuseFrom(3, node, wanted);
    const rank = staticShape(x!).length;
    const epsilon = g.scalar(attribute(node, "epsilon", "float", 1e-5), x!.dtype);
    const inverse = g.reciprocal(g.sqrt(g.add(variance!, epsilon)));
    const normed = () => g.mul(g.sub(x!, perChannel(g, mean!, rank)), perChannel(g, inverse, rank));
    return [
      wanted[0] ? g.mul(dy!, perChannel(g, g.mul(gamma!, inverse), rank)) : undefined,
      wanted[1] ? sumToChannels(g, g.mul(dy!, normed())) : undefined,
      wanted[2] ? sumToChannels(g, dy!) : undefined,
    ];
  },
};

/** x̂ = (x − μ) / σ over trailing `axes`, and 1/σ with these axes kept as 1. */
function standardized(g: Builder, x: Value, axes: readonly number[], epsilon: number): readonly [Value, Value] {
  const shape = staticShape(x);
  // The fused operator keeps its statistics in float32, whatever the type of x.
  if (x.dtype === "float32") {
    const ones = g.filled(shape.slice(axes[0]), 1, x.dtype);
    const attributes = { axis: int(axes[0]! - shape.length), epsilon: float(epsilon) };
    const [normed, , inverse] = g.ops("LayerNormalization", [x, ones], 3, attributes);
    return [normed!, inverse!];
  }
  const centred = g.sub(x, g.reduceMean(x, axes));
  const variance = g.reduceMean(g.mul(centred, centred), axes);
  const inverse = g.reciprocal(g.sqrt(g.add(variance, g.scalar(epsilon, x.dtype))));
  return [g.mul(centred, inverse), inverse];
}

/** The cotangent h of x̂ carried back to x. */
function standardizedVjp(g: Builder, h: Value, normed: Value, inverse: Value, axes: readonly number[]): Value {
  const spread = g.mul(normed, g.reduceMean(g.mul(h, normed), axes));
  return g.mul(g.sub(g.sub(h, g.reduceMean(h, axes)), spread), inverse);
}

/** A vector over the channels (axis 1) in a shape that broadcasts against a tensor of rank `rank`. */
function perChannel(g: Builder, vector: Value, rank: number): Value {
  return g.reshape(vector, [product(staticShape(vector)), ...range(rank - 2).map(() => 1)]);
}

function sumToChannels(g: Builder, x: Value): Value {
  return g.reduceSum(
    x,
    range(staticShape(x).length).filter((axis) => axis !== 1),
    false,
  );
}
