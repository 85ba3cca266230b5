import { attribute, float, staticShape, type Value } from "../../graph/index.ts";
import { NEWEST_OPSET, sumTo, unary, type VjpRule } from "../rule.ts";

/** y = erf(x)  ⇒  dx = dy · 2/√π · exp(−x²) = dy · exp(log(2/√π) − x²) */
export const Erf = unary({
  opset: [9, NEWEST_OPSET],
  vjp: (g, { x, dy }) => g.mul(dy, g.exp(g.sub(g.scalar(Math.log(2 / Math.sqrt(Math.PI)), x.dtype), g.mul(x, x)))),
});

/** y = tanh(x)  ⇒  dx = dy · (1 − y²) */
export const Tanh = unary({
  opset: [6, NEWEST_OPSET],
  vjp: (g, { y, dy }) => g.mul(dy, g.sub(g.scalar(1, y.dtype), g.mul(y, y))),
});

/** y = σ(x) = 1 / (1 + e⁻ˣ)  ⇒  dx = dy · (y − y²) */
export const Sigmoid = unary({ opset: [6, NEWEST_OPSET], vjp: (g, { y, dy }) => g.mul(dy, g.sub(y, g.mul(y, y))) });

/**
 * y = x · Φ(x)  ⇒  dx = dy · (Φ(x) + x · φ(x)), Φ and φ the normal distribution and density;
 * with approximate="tanh", for which s = σ(2a(x + bx³)), y = x · s  ⇒  dx = dy · (s + y · (1 − s) · 2a(1 + 3bx²))
 */
export const Gelu = unary({
  opset: [20, NEWEST_OPSET],
  vjp: (g, { x, y, dy, node }) => {
    const scalar = (value: number) => g.scalar(value, x.dtype);
    if (attribute(node, "approximate", "string", "none") === "none") {
      const u = g.mul(x, scalar(Math.SQRT1_2));
      // HardSigmoid, min(1, max(0, αe + β)), is the cheapest single operator for ½e + ½: erf keeps within ±1.
      const cdf = g.op("HardSigmoid", [g.erf(u)], { alpha: float(0.5), beta: float(0.5) });
      const pdf = g.exp(g.sub(scalar(-Math.log(2 * Math.PI) / 2), g.mul(u, u)));
      return g.mul(dy, g.add(cdf, g.mul(x, pdf)));
    }
    const [a, b] = [2 * Math.sqrt(2 / Math.PI), 0.044715];
    const squared = g.mul(x, x);
    const s = g.sigmoid(g.mul(x, g.add(g.mul(squared, scalar(a * b)), scalar(a))));
    const slope = g.add(g.mul(squared, scalar(3 * a * b)), scalar(a));
    return g.mul(dy, g.add(s, g.mul(g.sub(y, g.mul(y, s)), slope)));
  },
});

/** y = max(x, 0)  ⇒  dx = dy where y > 0, else 0 */
export const Relu = unary({
  opset: [6, NEWEST_OPSET],
  vjp: (g, { y, dy }) => g.where(g.greater(y, g.scalar(0, y.dtype)), dy, g.scalar(0, y.dtype)),
});

/** y = x where x ≥ 0, else αx  ⇒  dx = dy where x ≥ 0, else α · dy */
export const LeakyRelu = unary({
  opset: [6, NEWEST_OPSET],
  vjp: (g, { x, dy, node }) => {
    const alpha = g.scalar(attribute(node, "alpha", "float", 0.01), x.dtype);
    return g.where(g.less(x, g.scalar(0, x.dtype)), g.mul(dy, alpha), dy);
  },
});

/** y = x where x ≥ 0, else s · x  ⇒  dx = dy where x ≥ 0, else s · dy; ds = x · dy where x < 0, else 0 */
export const PRelu: VjpRule = {
  opset: [9, NEWEST_OPSET],
  vjp(g, { inputs: [x, slope], cotangents: [dy], wanted }) {
    const zero = g.scalar(0, dy!.dtype);
    const negative = g.less(x!, zero);
    return [
      g.where(negative, g.mul(dy!, slope!), dy!),
      wanted[1] ? sumTo(g, g.where(negative, g.mul(dy!, x!), zero), staticShape(slope!)) : undefined,
    ];
  },
};

/** y = x where x ≥ 0, else α(eˣ − 1)  ⇒  dx = dy where x ≥ 0, else dy · (y + α) */
export const Elu = unary({
  opset: [6, NEWEST_OPSET],
  vjp: (g, { x, y, dy, node }) => {
    const alpha = g.scalar(attribute(node, "alpha", "float", 1), x.dtype);
    return g.where(g.less(x, g.scalar(0, x.dtype)), g.mul(dy, g.add(y, alpha)), dy);
  },
});

/** y = γx where x > 0, else γα(eˣ − 1)  ⇒  dx = γ · dy where x > 0, else dy · (y + γα) */
export const Selu = unary({
  opset: [6, NEWEST_OPSET],
  vjp: (g, { x, y, dy, node }) => {
    const alpha = attribute(node, "alpha", "float", 1.6732632423543772);
    const gamma = attribute(node, "gamma", "float", 1.0507009873554805);
    const scalar = (value: number) => g.scalar(value, x.dtype);
    return g.mul(dy, g.where(g.greater(x, scalar(0)), scalar(gamma), g.add(y, scalar(gamma * alpha))));
  },
});

/** y = log(1 + eˣ)  ⇒  dx = dy · σ(x) */
export const Softplus = unary({ opset: [1, NEWEST_OPSET], vjp: (g, { x, dy }) => g.mul(dy, g.sigmoid(x)) });

/** y = x / (1 + |x|)  ⇒  dx = dy · (1 − |y|)² */
export const Softsign = unary({
  opset: [1, NEWEST_OPSET],
  vjp: (g, { y, dy }) => {
    const rest = g.sub(g.scalar(1, y.dtype), g.op("Abs", [y]));
    return g.mul(dy, g.mul(rest, rest));
  },
});

/** y = x · tanh(log(1 + eˣ)), t the tanh  ⇒  dx = dy · (t + x · (1 − t²) · σ(x)) */
export const Mish = unary({
  opset: [18, NEWEST_OPSET],
  vjp: (g, { x, dy }) => {
    const t = g.tanh(g.op("Softplus", [x]));
    const bend = g.mul(g.sub(g.scalar(1, x.dtype), g.mul(t, t)), g.mul(x, g.sigmoid(x)));
    return g.mul(dy, g.add(t, bend));
  },
});

/** y = clamp(αx + β, 0, 1)  ⇒  dx = α · dy where 0 < y < 1, else 0 */
export const HardSigmoid = unary({
  opset: [6, NEWEST_OPSET],
  vjp: (g, { y, dy, node }) => {
    const slope = g.scalar(attribute(node, "alpha", "float", 0.2), y.dtype);
    const [zero, one] = [g.scalar(0, y.dtype), g.scalar(1, y.dtype)];
    const inside = g.op("And", [g.greater(y, zero), g.less(y, one)]);
    return g.where(inside, g.mul(dy, slope), zero);
  },
});

/** y = x · clamp(x/6 + ½, 0, 1)  ⇒  dx = 0 where x ≤ −3, dy where x ≥ 3, else dy · (x/3 + ½) */
export const HardSwish = unary({
  opset: [14, NEWEST_OPSET],
  vjp: (g, { x, dy }) => {
    const scalar = (value: number) => g.scalar(value, x.dtype);
    const middle = g.add(g.mul(x, scalar(1 / 3)), scalar(0.5));
    const slope = g.where(g.less(x, scalar(3)), g.where(g.greater(x, scalar(-3)), middle, scalar(0)), scalar(1));
    return g.mul(dy, slope);
  },
});

/**
 * y = min(max(x, low), high), bounds optional  ⇒  dx = dy where y = x, else 0;
 * dlow = Σ dy where x < low, dhigh = Σ dy where x > high
 */
export const Clip: VjpRule = {
  opset: [11, NEWEST_OPSET],
  vjp(g, { inputs: [x, low, high], outputs: [y], cotangents: [dy], wanted }) {
    const zero = g.scalar(0, dy!.dtype);
    const outside = (test: (x: Value, y: Value) => Value, bound: Value) =>
      sumTo(g, g.where(test(x!, bound), dy!, zero), staticShape(bound));
    return [
      g.where(g.equal(x!, y!), dy!, zero),
      low && wanted[1] ? outside(g.less, low) : undefined,
      high && wanted[2] ? outside(g.greater, high) : undefined,
    ];
  },
};

/** y = softmax(x) along an axis  ⇒  dx = y · (dy − Σ y·dy) */
export const Softmax = unary({
  opset: [13, NEWEST_OPSET],
  vjp: (g, { y: found, dy, node }) => {
    const axis = attribute(node, "axis", "int", -1);
    // A row whose every score is −∞ has no softmax; models that mean 0 by it say so behind, and 0 times NaN is NaN.
    const guarded = g.nodes().some(({ op, inputs }) => op === "IsNaN" && inputs[0] === found.name);
    const y = guarded ? g.op("Where", [g.op("IsNaN", [found]), g.filled([], 0, found.dtype), found]) : found;
    return g.mul(y, g.sub(dy, g.reduceSum(g.mul(y, dy), [axis])));
  },
});

/** y = x − log Σ exp(x) along an axis  ⇒  dx = dy − exp(y) · Σ dy */
export const LogSoftmax = unary({
  opset: [13, NEWEST_OPSET],
  vjp: (g, { y, dy, node }) => {
    const axis = attribute(node, "axis", "int", -1);
    return g.sub(dy, g.mul(g.exp(y), g.reduceSum(dy, [axis])));
  },
});
