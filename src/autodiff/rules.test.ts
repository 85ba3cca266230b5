import { expect, test } from "vitest";
import { gradientError } from "../../test/support/gradient-error.ts";
import { FLOAT32_ONLY, ruleCases } from "../../test/support/rule-cases.ts";
import { BUILD_OPSET } from "../graph/index.ts";
import { NEWEST_OPSET } from "./rule.ts";

/**
 * Five-point differences have a truncation error of h⁴. In float64, h = 1e-3 leaves 1e-12 of that and 1e-13 of rounding;
 * what remains above are the slopes of functions such as 1/x near 0. In float32, h = 0.04 balances 1e-6 against 1e-6.
 */
const TOLERANCE = { float64: { step: 1e-3, error: 1e-7 }, float32: { step: 0.04, error: 1e-3 } };

for (const [op, list] of Object.entries(ruleCases)) {
  const dtypes = FLOAT32_ONLY.has(op) ? (["float32"] as const) : (["float64", "float32"] as const);
  const rows = list.flatMap((given, k) => {
    const label = given.name ?? `case ${k}`;
    const row = (dtype: "float32" | "float64", opset: number) => ({ ...given, label, dtype, opset });
    // The first call once more in the newest operator set that the rules claim to know.
    return [...dtypes.map((dtype) => row(dtype, BUILD_OPSET)), ...(k === 0 ? [row("float32", NEWEST_OPSET)] : [])];
  });
  test.each(rows)(`${op}: $label, $dtype, opset $opset, agrees with central differences`, async (row) => {
    const { step, error } = TOLERANCE[row.dtype];
    const found = await gradientError({
      inputs: row.inputs.filter((operand) => operand !== undefined),
      dtype: row.dtype,
      opset: row.opset,
      step,
      build(g, operands) {
        const rest = [...operands];
        const args = row.inputs.map((operand) => operand && rest.shift());
        return g.ops(op, args, row.outputs ?? 1, row.attributes);
      },
    });
    expect(found).toBeLessThan(error);
  });
}
