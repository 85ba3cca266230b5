import { GraftError } from "../base/index.ts";
import { type Builder, describeNode, type Node, staticShape, type Value } from "../graph/index.ts";

/** One operator call, as its gradient rule sees it. Every shape is static. */
export interface VjpCall {
  readonly node: Node;
  /** Operands; undefined where an optional one is omitted. */
  readonly inputs: readonly (Value | undefined)[];
  readonly outputs: readonly Value[];
  /** Cotangents of the outputs; undefined where nothing flows back. At least one is defined. */
  readonly cotangents: readonly (Value | undefined)[];
}

/**
 * The gradient of one operator: a vector-Jacobian product written as standard ONNX operators.
 * `opset` is the range of operator-set versions whose definition the rule knows.
 */
export interface VjpRule {
  readonly opset: readonly [from: number, to: number];
  /** Cotangents of the inputs, in order; undefined where the operator is constant in an input. */
  readonly vjp: (g: Builder, call: VjpCall) => readonly (Value | undefined)[];
}

/** Newest operator set the rules were checked against. */
export const NEWEST_OPSET = 25;

/** A rule for y = f(x). Further operands (axes, bounds …) are constants to it. */
export function unary(rule: {
  readonly opset: readonly [number, number];
  readonly vjp: (
    g: Builder,
    call: { x: Value; y: Value; dy: Value; node: Node; rest: readonly (Value | undefined)[] },
  ) => Value;
}): VjpRule {
  return {
    opset: rule.opset,
    vjp: (g, { node, inputs: [x, ...rest], outputs: [y], cotangents: [dy] }) => [
      dy && rule.vjp(g, { x: x!, y: y!, dy, node, rest }),
    ],
  };
}

/** A rule for z = f(x, y) with NumPy broadcasting, which this helper undoes. */
export function binary(rule: {
  readonly opset: readonly [number, number];
  readonly vjp: (g: Builder, call: { x: Value; y: Value; z: Value; dz: Value }) => readonly [Value, Value];
}): VjpRule {
  return {
    opset: rule.opset,
    vjp(g, { inputs: [x, y], outputs: [z], cotangents: [dz] }) {
      const [dx, dy] = rule.vjp(g, { x: x!, y: y!, z: z!, dz: dz! });
      return [sumTo(g, dx, staticShape(x!)), sumTo(g, dy, staticShape(y!))];
    },
  };
}

/** Undo broadcasting: sum `x` over the axes along which a value of `shape` was repeated. */
export function sumTo(g: Builder, x: Value, shape: readonly number[]): Value {
  const from = staticShape(x);
  const lead = from.length - shape.length;
  const axes = from.flatMap((dim, axis) => (axis < lead || (shape[axis - lead] === 1 && dim !== 1) ? [axis] : []));
  return g.reshape(g.reduceSum(x, axes), shape);
}

/** The error of a rule that covers its operator, but not this use of it. */
export function unsupported(node: Node, use: string): GraftError {
  return new GraftError("NO_GRADIENT_RULE", {
    thing: describeNode(node),
    place: `a gradient has to pass it, but its rule does not cover ${use}`,
    remedy: "Place adapters behind it, or extend the rule (docs/architecture.md says where)",
  });
}

/** An axis counted from the front. */
export const wrapAxis = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

/** The permutation that undoes `perm`. */
export const inversePermutation = (perm: readonly number[]): number[] => perm.map((_, axis) => perm.indexOf(axis));

/** 0, 1, …, n − 1. */
export const range = (n: number): number[] => Array.from({ length: n }, (_, k) => k);

export const product = (numbers: readonly number[]): number => numbers.reduce((a, b) => a * b, 1);
