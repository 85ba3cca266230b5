import { attribute, type Builder, int, type Node, staticShape, type Value } from "../../graph/index.ts";
import { NEWEST_OPSET, range, refuseFrom, unsupported, type VjpRule, wrapAxis } from "../rule.ts";
import { MatMul } from "./linear.ts";

/*
 * Straight-through gradients of quantised models. The forward stays as the file has it, bit for bit; the gradient is that
 * of the float model the file stands for, at the same activations: rounding and clamping count as the identity, weights as
 * what they dequantise to, and scales found at run time as constants. A whole number that stands for an activation carries
 * a floating-point cotangent.
 */

/** q ≈ x / s + zero, rounded and clamped  ⇒  dx = dq / s */
export const QuantizeLinear: VjpRule = {
  opset: [10, NEWEST_OPSET],
  vjp(g, { node, inputs: [x, scale], cotangents: [dq], wanted }) {
    refuseFrom(1, node, wanted);
    return [g.div(dq!, alongAxis(g, node, scale!, x!))];
  },
};

/** y = (q − zero) · s  ⇒  dq = dy · s */
export const DequantizeLinear: VjpRule = {
  opset: [10, NEWEST_OPSET],
  vjp(g, { node, inputs: [q, scale], cotangents: [dy], wanted }) {
    refuseFrom(1, node, wanted);
    return [g.mul(dy!, alongAxis(g, node, scale!, q!))];
  },
};

/** q ≈ x / s + zero, s and zero from the range of x  ⇒  dx = dq / s */
export const DynamicQuantizeLinear: VjpRule = {
  opset: [11, NEWEST_OPSET],
  vjp: (g, { outputs: [, scale], cotangents: [dq] }) => [dq && g.div(dq, scale!)],
};

/** z = (a − zero of a) · (b − zero of b), whole numbers  ⇒  da = dz · (b − zero)ᵀ, db = (a − zero)ᵀ · dz */
export const MatMulInteger: VjpRule = {
  opset: [10, NEWEST_OPSET],
  vjp(g, { node, inputs: [a, b, aZero, bZero], outputs, cotangents, wanted }) {
    const one = g.scalar(1);
    return productVjp(g, {
      ...{ node, outputs, cotangents, wanted },
      a: { value: a!, scale: one, zero: aZero, axis: -2 },
      b: { value: b!, scale: one, zero: bZero, axis: -1 },
    });
  },
};

/**
 * z ≈ (a − zero of a)(b − zero of b) · sₐs_b / s + zero, rounded and clamped
 *   ⇒  da = dz · (b − zero)ᵀ · sₐs_b / s, db = (a − zero)ᵀ · dz · sₐs_b / s
 */
export const QLinearMatMul: VjpRule = {
  opset: [10, NEWEST_OPSET],
  vjp(g, { node, inputs, outputs, cotangents: [dz], wanted }) {
    const [a, aScale, aZero, b, bScale, bZero, scale] = inputs;
    if (wanted.some((yes, k) => yes && k !== 0 && k !== 3)) refuseFrom(1, node, wanted);
    const [da, db] = productVjp(g, {
      ...{ node, outputs, cotangents: [g.div(dz!, scale!)], wanted: [wanted[0]!, wanted[3]!] },
      a: { value: a!, scale: aScale!, zero: aZero, axis: -2 },
      b: { value: b!, scale: bScale!, zero: bZero, axis: -1 },
    });
    return [da && g.mul(da, aScale!), undefined, undefined, db && g.mul(db, bScale!)];
  },
};

/** An operand that stands for (value − zero) · scale; scale and zero are one number, or one for each row or column. */
export interface QuantizedOperand {
  readonly value: Value;
  readonly scale: Value;
  readonly zero: Value | undefined;
  readonly axis: number;
}

interface Product {
  readonly node: Node;
  readonly outputs: readonly Value[];
  readonly cotangents: readonly (Value | undefined)[];
  readonly wanted: readonly boolean[];
  readonly a: QuantizedOperand;
  readonly b: QuantizedOperand;
}

/** Cotangents of what the operands of a matrix product stand for; the other one counts as its dequantised view. */
export function productVjp(g: Builder, { node, outputs, cotangents, wanted, a, b }: Product) {
  return MatMul.vjp(g, {
    node,
    inputs: [wanted[1] ? dequantized(g, node, a) : a.value, wanted[0] ? dequantized(g, node, b) : b.value],
    outputs,
    cotangents,
    wanted: [wanted[0] ?? false, wanted[1] ?? false],
  });
}

/**
 * What an operand stands for. A DequantizeLinear, unlike a Cast, is not folded when the graph is opened: the runtime keeps
 * frozen weights at the size they have in the file.
 */
export function dequantized(g: Builder, node: Node, { value, scale, zero, axis }: QuantizedOperand): Value {
  const count = Math.max(...[scale, zero].map((x) => (x ? staticShape(x).reduce((a, b) => a * b, 1) : 1)));
  const rank = staticShape(value).length;
  const per = (x: Value | undefined) => {
    if (x === undefined) return undefined;
    if (staticShape(x).length > 1) throw unsupported(node, "with scales or zero points of several axes");
    return count === 1 ? g.reshape(x, []) : g.expand(x, [count]);
  };
  return g.op("DequantizeLinear", [value, per(scale), per(zero)], { axis: int(wrapAxis(axis, rank)) });
}

/** A scale, one number or one for each index along the node's axis, in a shape that broadcasts against `x`. */
function alongAxis(g: Builder, node: Node, scale: Value, x: Value): Value {
  if (attribute(node, "block_size", "int", 0) !== 0) throw unsupported(node, "in blocks");
  const count = staticShape(scale).reduce((a, b) => a * b, 1);
  const rank = staticShape(x).length;
  if (count === 1) return g.reshape(scale, []);
  const axis = wrapAxis(attribute(node, "axis", "int", 1), rank);
  return g.reshape(
    scale,
    range(rank).map((k) => (k === axis ? count : 1)),
  );
}
