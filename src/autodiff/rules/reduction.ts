import { attribute, type Builder, staticShape, type Value } from "../../graph/index.ts";
import { NEWEST_OPSET, product, range, unary, wrapAxis } from "../rule.ts";

/** Axes of a reduction (opset 18 form: axes are the second operand; none given means all). */
function reducedAxes(g: Builder, x: Value, rest: readonly (Value | undefined)[]): readonly number[] {
  const rank = staticShape(x).length;
  const axes = rest[0] ? g.numbersOf(rest[0]).map((axis) => wrapAxis(axis, rank)) : [];
  return axes.length ? axes : range(rank);
}

/** The result's cotangent, with the reduced axes back as size 1. */
function keptShape(g: Builder, x: Value, dy: Value, axes: readonly number[]): Value {
  return g.reshape(
    dy,
    staticShape(x).map((dim, axis) => (axes.includes(axis) ? 1 : dim)),
  );
}

/** y = Σ x over axes  ⇒  dx = dy, repeated */
export const ReduceSum = unary({
  opset: [13, NEWEST_OPSET],
  vjp: (g, { x, dy, rest, node }) => {
    if (isNoop(node, rest)) return dy;
    return g.expand(keptShape(g, x, dy, reducedAxes(g, x, rest)), staticShape(x));
  },
});

/** y = mean of x over axes  ⇒  dx = dy / count, repeated */
export const ReduceMean = unary({
  opset: [18, NEWEST_OPSET],
  vjp: (g, { x, dy, rest, node }) => {
    if (isNoop(node, rest)) return dy;
    const axes = reducedAxes(g, x, rest);
    const count = product(axes.map((axis) => staticShape(x)[axis]!));
    return g.expand(g.mul(keptShape(g, x, dy, axes), g.scalar(1 / count, x.dtype)), staticShape(x));
  },
});

/** y = Σ x² over axes  ⇒  dx = 2x · dy */
export const ReduceSumSquare = unary({
  opset: [18, NEWEST_OPSET],
  vjp: (g, { x, dy, rest, node }) => {
    const back = isNoop(node, rest) ? dy : keptShape(g, x, dy, reducedAxes(g, x, rest));
    return g.mul(g.add(x, x), back);
  },
});

function isNoop(node: Parameters<typeof attribute>[0], rest: readonly (Value | undefined)[]): boolean {
  return !rest[0] && attribute(node, "noop_with_empty_axes", "int", 0) === 1;
}
