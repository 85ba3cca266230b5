import { attribute } from "../attributes.ts";
import type { Rewrite } from "./rewrite.ts";

/** y = x · Φ(x) */
export const Gelu: Rewrite = (g, { inputs: [x] }) => [g.gelu(x!)];

/** y = Gelu(x + b) */
export const BiasGelu: Rewrite = (g, { inputs: [x, bias] }) => [g.gelu(g.add(x!, bias!))];

/** y = Gelu(x + b), in the tanh approximation */
export const FastGelu: Rewrite = (g, { inputs: [x, bias] }) => [g.gelu(bias ? g.add(x!, bias) : x!, "tanh")];

/** y = x · σ(αx) */
export const QuickGelu: Rewrite = (g, { node, inputs: [x] }) => {
  const alpha = attribute(node, "alpha", "float", 1.702);
  return [g.mul(x!, g.sigmoid(g.mul(x!, g.scalar(alpha))))];
};
