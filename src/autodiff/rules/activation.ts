import { attribute } from "../../graph/index.ts";
import { NEWEST_OPSET, unary } from "../rule.ts";

/** y = erf(x)  ⇒  dx = dy · 2/√π · exp(−x²) */
export const Erf = unary({
  opset: [9, NEWEST_OPSET],
  vjp: (g, { x, dy }) => g.mul(dy, g.mul(g.scalar(2 / Math.sqrt(Math.PI), x.dtype), g.exp(g.neg(g.mul(x, x))))),
});

/** y = tanh(x)  ⇒  dx = dy · (1 − y²) */
export const Tanh = unary({
  opset: [6, NEWEST_OPSET],
  vjp: (g, { y, dy }) => g.mul(dy, g.sub(g.scalar(1, y.dtype), g.mul(y, y))),
});

/**
 * y = x · Φ(x)  ⇒  dx = dy · (Φ(x) + x · φ(x)), Φ and φ the normal distribution and density;
 * with approximate="tanh": t = tanh(a(x + bx³)), y = x(1 + t)/2  ⇒  dx = dy · ½(1 + t + x(1 − t²) · a(1 + 3bx²))
 */
export const Gelu = unary({
  opset: [20, NEWEST_OPSET],
  vjp: (g, { x, dy, node }) => {
    const scalar = (value: number) => g.scalar(value, x.dtype);
    const squared = g.mul(x, x);
    if (attribute(node, "approximate", "string", "none") === "none") {
      const half = scalar(0.5);
      const cdf = g.add(g.mul(g.erf(g.mul(x, scalar(Math.SQRT1_2))), half), half);
      const pdf = g.mul(g.exp(g.mul(squared, scalar(-0.5))), scalar(1 / Math.sqrt(2 * Math.PI)));
      return g.mul(dy, g.add(cdf, g.mul(x, pdf)));
    }
    const [a, b] = [Math.sqrt(2 / Math.PI), 0.044715];
    const t = g.tanh(g.mul(x, g.add(g.mul(squared, scalar(a * b)), scalar(a))));
    const slope = g.mul(x, g.add(g.mul(squared, scalar(3 * a * b)), scalar(a)));
    const bend = g.mul(g.sub(scalar(1), g.mul(t, t)), slope);
    return g.mul(g.mul(dy, scalar(0.5)), g.add(g.add(scalar(1), t), bend));
  },
});

/** y = softmax(x) along an axis  ⇒  dx = y · (dy − Σ y·dy) */
export const Softmax = unary({
  opset: [13, NEWEST_OPSET],
  vjp: (g, { y, dy, node }) => {
    const axis = attribute(node, "axis", "int", -1);
    const weighted = g.mul(y, dy);
    return g.sub(weighted, g.mul(y, g.reduceSum(weighted, [axis])));
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
