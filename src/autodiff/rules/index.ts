import type { VjpRule } from "../rule.ts";
import * as activation from "./activation.ts";
import * as arithmetic from "./arithmetic.ts";
import * as convolution from "./convolution.ts";
import * as indexing from "./indexing.ts";
import * as linear from "./linear.ts";
import * as movement from "./movement.ts";
import * as normalization from "./normalization.ts";
import * as quantized from "./quantized.ts";
import * as products from "./quantized-products.ts";
import * as reduction from "./reduction.ts";

/** Every operator a gradient can pass, by name. */
export const rules = {
  ...activation,
  ...arithmetic,
  ...convolution,
  ...indexing,
  ...linear,
  ...movement,
  ...normalization,
  ...reduction,
} satisfies Record<string, VjpRule>;

const { DequantizeLinear, DynamicQuantizeLinear, MatMulInteger, QLinearMatMul, QuantizeLinear } = quantized;

/** Straight-through gradients of quantised operators, by operator set ("" is ONNX's own) and name. */
export const quantizedRules = {
  "": { DequantizeLinear, DynamicQuantizeLinear, MatMulInteger, QLinearMatMul, QuantizeLinear },
  "com.microsoft": { ...products, DequantizeLinear, QuantizeLinear },
} satisfies Record<string, Record<string, VjpRule>>;

/** The rule of a node's operator, if it has one. */
export function ruleOf({ domain, op }: { readonly domain: string; readonly op: string }): VjpRule | undefined {
  const tables: readonly Readonly<Record<string, VjpRule>>[] = [
    ...(domain === "" ? [rules] : []),
    ...(Object.hasOwn(quantizedRules, domain) ? [quantizedRules[domain as keyof typeof quantizedRules]] : []),
  ];
  return tables.find((table) => Object.hasOwn(table, op))?.[op];
}
