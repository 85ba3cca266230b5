import { attribute, type Builder, type Node, staticShape, type Value } from "../../graph/index.ts";
import { NEWEST_OPSET, product, range, unary, type VjpRule, wrapAxis } from "../rule.ts";

interface ReductionCall {
  readonly x: Value;
  /** The result, with the reduced axes back as size 1. */
  readonly y: Value;
  /** Its cotangent, in that shape. */
  readonly dy: Value;
  readonly axes: readonly number[];
}

/** A reduction over constant axes (the form since `since`: axes are the second operand, none given means all). */
function reduction(since: number, vjp: (g: Builder, call: ReductionCall) => Value): VjpRule {
  return unary({
    opset: [since, NEWEST_OPSET],
    vjp: (g, { x, y, dy, node, rest }) => {
      const axes = reducedAxes(g, node, x, rest[0]);
      const kept = staticShape(x).map((dim, axis) => (axes.includes(axis) ? 1 : dim));
      return vjp(g, { x, y: g.reshape(y, kept), dy: g.reshape(dy, kept), axes });
    },
  });
}

function reducedAxes(g: Builder, node: Node, x: Value, given: Value | undefined): readonly number[] {
  const rank = staticShape(x).length;
  const axes = given ? g.numbersOf(given).map((axis) => wrapAxis(axis, rank)) : [];
  if (axes.length > 0) return axes;
  return attribute(node, "noop_with_empty_axes", "int", 0) === 1 ? [] : range(rank);
}

/** y = Σ x over axes  ⇒  dx = dy, repeated */
export const ReduceSum = reduction(13, (g, { x, dy }) => g.expand(dy, staticShape(x)));

/** y = mean of x over axes  ⇒  dx = dy / count, repeated */
export const ReduceMean = reduction(18, (g, { x, dy, axes }) => {
  const count = product(axes.map((axis) => staticShape(x)[axis]!));
  return g.expand(g.mul(dy, g.scalar(1 / count, x.dtype)), staticShape(x));
});

/** y = Σ x² over axes  ⇒  dx = 2x · dy */
export const ReduceSumSquare = reduction(18, (g, { x, dy }) => g.mul(x, g.add(dy, dy)));

/** y = Σ |x| over axes  ⇒  dx = sign x · dy */
export const ReduceL1 = reduction(18, (g, { x, dy }) => g.mul(g.sign(x), dy));

/** y = √Σ x² over axes  ⇒  dx = x · dy / y, 0 where y = 0 */
export const ReduceL2 = reduction(18, (g, { x, y, dy }) => {
  const zero = g.scalar(0, x.dtype);
  return g.mul(x, g.where(g.greater(y, zero), g.div(dy, y), zero));
});

/** y = log Σ eˣ over axes  ⇒  dx = dy · exp(x − y) */
export const ReduceLogSumExp = reduction(18, (g, { x, y, dy }) => g.mul(dy, g.exp(g.sub(x, y))));

/** y = max of x over axes  ⇒  dx = dy, shared evenly among the elements that reach y */
export const ReduceMax = reduction(18, shared);

/** y = min of x over axes  ⇒  dx = dy, shared evenly among the elements that reach y */
export const ReduceMin = reduction(18, shared);

function shared(g: Builder, { x, y, dy, axes }: ReductionCall): Value {
  const reached = g.cast(g.equal(x, y), x.dtype);
  return g.mul(reached, g.div(dy, g.reduceSum(reached, axes)));
}
