import { GraftError } from "../../base/index.ts";
import { describeNode } from "../attributes.ts";
import type { Builder } from "../builder.ts";
import type { Value } from "../builder-core.ts";
import type { Node } from "../types.ts";

/** A fused operator call, as its rewrite sees it. */
export interface FusedCall {
  readonly node: Node;
  /** Operands; undefined where an optional one is left out. Types and shapes as far as known. */
  readonly inputs: readonly (Value | undefined)[];
}

/**
 * A fused operator written in operators of ONNX's own set (opset 20 forms). Results by output position; undefined for
 * an output that is not given, which is an error only where the model uses it.
 */
export type Rewrite = (g: Builder, call: FusedCall) => readonly (Value | undefined)[];

/** The error for a form of a fused operator that its rewrite does not cover. */
export function unsupportedForm(node: Node, form: string): GraftError {
  return new GraftError("FUSED_UNSUPPORTED", {
    thing: describeNode(node),
    place: `it is used ${form}, a form graft cannot take apart`,
    remedy: "Give the plain export of the model, from before fusing, or fuse without this operator",
  });
}

/** Refuse operands that only decoding with a cache has. */
export function refuseOperands(node: Node, from: number, what: string): void {
  const at = node.inputs.findIndex((name, k) => k >= from && name !== "");
  if (at >= 0) throw unsupportedForm(node, `with ${what} (input ${at}, "${node.inputs[at]}")`);
}

/**
 * Number of dimensions of an operand whose layout depends on it.
 * @throws GraftError FUSED_UNSUPPORTED if the file does not say and it does not follow
 */
export function rankOf(node: Node, value: Value): number {
  if (value.shape) return value.shape.length;
  throw new GraftError("FUSED_UNSUPPORTED", {
    thing: describeNode(node),
    place: `the number of dimensions of its input "${value.name}" is not known, and its meaning depends on it`,
    remedy: "Run ONNX shape inference on the file (`onnx.shape_inference.infer_shapes`) and open the result",
  });
}

/** Sizes for a Reshape from the dimensions that are known, −1 for the one that is not. */
export const sizeOr = (value: Value, axis: number, otherwise: number): number => {
  const dim = value.shape?.at(axis);
  return typeof dim === "number" ? dim : otherwise;
};
