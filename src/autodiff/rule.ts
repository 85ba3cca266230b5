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
  /** Which operands' cotangents are asked for; a rule may leave out the work for the others. */
  readonly wanted: readonly boolean[];
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
    vjp(g, { node, inputs: [x, ...rest], outputs: [y], cotangents: [dy], wanted }) {
      refuseFrom(1, node, wanted);
      return [dy && rule.vjp(g, { x: x!, y: y!, dy, node, rest })];
    },
  };
}

/** A rule for z = f(x, y) with NumPy broadcasting, which this helper undoes. dx and dy are made only where wanted. */
export function binary(rule: {
  readonly opset: readonly [number, number];
  readonly dx: (g: Builder, call: BinaryCall) => Value;
  readonly dy: (g: Builder, call: BinaryCall) => Value;
}): VjpRule {
  return {
    opset: rule.opset,
    vjp(g, { node, inputs: [x, y], outputs: [z], cotangents: [dz], wanted }) {
      const call = { x: x!, y: y!, z: z!, dz: dz!, node };
      return [
        wanted[0] ? sumTo(g, rule.dx(g, call), staticShape(x!)) : undefined,
        wanted[1] ? sumTo(g, rule.dy(g, call), staticShape(y!)) : undefined,
      ];
    },
  };
}

interface BinaryCall {
  readonly x: Value;
  readonly y: Value;
  readonly z: Value;
  readonly dz: Value;
  readonly node: Node;
}

/** A rule for a function that is flat wherever it is smooth: its gradient is zero. */
export const flat = (since: number): VjpRule => ({ opset: [since, NEWEST_OPSET], vjp: () => [] });

/** Undo broadcasting: sum `x` over the axes along which a value of `shape` was repeated. */
export function sumTo(g: Builder, x: Value, shape: readonly number[]): Value {
  const from = staticShape(x);
  const lead = from.length - shape.length;
  const axes = from.flatMap((dim, axis) => (axis < lead || (shape[axis - lead] === 1 && dim !== 1) ? [axis] : []));
  const summed = g.reduceSum(x, axes, lead === 0);
  return g.reshape(summed, shape);
}

/** Zeros before and after along one axis. */
export function padAxis(g: Builder, x: Value, axis: number, before: number, after: number): Value {
  if (before === 0 && after === 0) return x;
  const at = (amount: number) => staticShape(x).map((_, k) => (k === axis ? amount : 0));
  // All axes spelt out: the runtime's transpose optimiser misreads the operand that names some (ONNX Runtime 1.30, 1.32).
  return g.op("Pad", [x, g.integers([...at(before), ...at(after)])]);
}

/** Put the slices of `x` along `axis` at `positions` (all different) of an axis of size `dim`, zeros elsewhere. */
export function placeAlong(g: Builder, x: Value, axis: number, dim: number, positions: readonly number[]): Value {
  const start = positions[0] ?? 0;
  if (positions.every((position, k) => position === start + k))
    return padAxis(g, x, axis, start, dim - start - positions.length);
  const slots = new Array<number>(dim).fill(positions.length); // index of the appended zero slice
  positions.forEach((position, k) => {
    slots[position] = k;
  });
  return g.gather(padAxis(g, x, axis, 0, 1), g.integers(slots), axis);
}

/** Refuse a gradient with respect to operand `first` or a later one. */
export function refuseFrom(first: number, node: Node, wanted: readonly boolean[]): void {
  const operand = wanted.findIndex((yes, k) => yes && k >= first);
  if (operand >= 0) throw unsupported(node, `with respect to its operand ${operand} ("${node.inputs[operand]}")`);
}

/** The error for a form of an operator that its rule does not cover. */
export function unsupported(node: Node, form: string): GraftError {
  return new GraftError("NO_GRADIENT_RULE", {
    thing: describeNode(node),
    place: `a gradient has to pass it ${form}, which its rule does not cover`,
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
