import { matmulShape } from "./products.ts";
import { type InferRule, shapeOf } from "./rule.ts";

/** Operators between numbers and the whole numbers that stand for them. */
export const quantized: Readonly<Record<string, InferRule>> = {
  QuantizeLinear: ({ inputs: [x, , zero] }) => [{ dtype: zero?.dtype ?? "uint8", ...shapeOf(x) }],
  DequantizeLinear: ({ inputs: [x, scale] }) => [{ dtype: scale?.dtype ?? "float32", ...shapeOf(x) }],
  DynamicQuantizeLinear: ({ inputs: [x] }) => [
    { dtype: "uint8", ...shapeOf(x) },
    { dtype: "float32", shape: [] },
    { dtype: "uint8", shape: [] },
  ],
  MatMulInteger: ({ inputs: [x, y] }) => {
    const shape = matmulShape(x?.shape, y?.shape);
    return [{ dtype: "int32", ...(shape && { shape }) }];
  },
};
