import { attribute } from "../attributes.ts";
import type { Builder } from "../builder.ts";
import type { Value } from "../builder-core.ts";
import type { Node } from "../types.ts";
import type { Rewrite } from "./rewrite.ts";
import { rmsNorm } from "./rms-normalization.ts";

/** What makes a sub-layer's result; the bias that is fused with the sum belongs to it. */
const PRODUCTS = /^(MatMul|Gemm|FusedMatMul|FusedGemm|MatMulNBits|DynamicQuantizeMatMul|MatMulIntegerToFloat)$/;

/** s = x + skip + bias, then the layer norm of s; the sum is an output of its own */
export const SkipLayerNormalization: Rewrite = (g, { node, inputs: [x, skip, gamma, beta, bias] }) => {
  const sum = sumOf(g, x!, skip!, bias);
  return [g.layerNorm(sum, gamma!, beta, epsilonOf(node)), undefined, undefined, sum];
};

/** s = x + skip + bias, then s / √(mean(s²) + ε) · γ; the sum is an output of its own */
export const SkipSimplifiedLayerNormalization: Rewrite = (g, { node, inputs: [x, skip, gamma, bias] }) => {
  const sum = sumOf(g, x!, skip!, bias);
  return [rmsNorm(g, sum, gamma!, [-1], epsilonOf(node)), undefined, undefined, sum];
};

const epsilonOf = (node: Node) => attribute(node, "epsilon", "float", 1e-12);

/** The bias goes to the operand that a product with a weight makes, so that the sum is that of a residual stream. */
function sumOf(g: Builder, x: Value, skip: Value, bias: Value | undefined): Value {
  if (bias === undefined) return g.add(x, skip);
  const isProduct = g.nodes().some(({ op, outputs }) => outputs[0] === skip.name && PRODUCTS.test(op));
  return isProduct ? g.add(x, g.add(skip, bias)) : g.add(g.add(x, bias), skip);
}
