import { attribute } from "../attributes.ts";
import type { Builder } from "../builder.ts";
import type { Value } from "../builder-core.ts";
import { type Rewrite, rankOf } from "./rewrite.ts";

/** y = x / √(mean(x²) + ε) · γ over the axes from `axis` on */
export const RMSNormalization: Rewrite = (g, { node, inputs: [x, gamma] }) => {
  const axis = attribute(node, "axis", "int", -1);
  const count = axis < 0 ? -axis : rankOf(node, x!) - axis;
  const axes = Array.from({ length: count }, (_, k) => k - count);
  return [rmsNorm(g, x!, gamma!, axes, attribute(node, "epsilon", "float", 1e-5))];
};

/** y = x / √(mean(x²) + ε) · γ over the axes from `axis` on: the runtime's older name of RMSNormalization */
export const SimplifiedLayerNormalization: Rewrite = RMSNormalization;

export function rmsNorm(g: Builder, x: Value, gamma: Value, axes: readonly number[], epsilon: number): Value {
  const mean = g.reduceMean(g.mul(x, x), axes);
  return g.mul(g.div(x, g.sqrt(g.add(mean, g.scalar(epsilon)))), gamma);
}
