import { DEFAULT_RANK } from "../../adapters/index.ts";
import { nameSeed, random } from "../../base/index.ts";
import { tensorOf } from "../../graph/index.ts";
import type { Score } from "./score.ts";

const NORM_EPSILON = 1e-5;

/**
 * Projected adapter gradient energy: ‖∂L/∂W_up‖_F² of an adapter as training starts it, A(x) = GELU(LN(x)·W_down)·W_up with
 * W_up = 0, so that ∂L/∂W_up = GELU(LN(x)·W_down)ᵀ·δ is all the gradient that it has. W_down, of default rank, is one draw for
 * all edges, so that only the edges differ. Of a LoRA site, as the paper has it: ‖(x·A)ᵀ·δ‖_F², A as LoRA starts it.
 */
export const pageScore = {
  summary: "PAGE: squared norm of the gradient that an adapter's way up has at its start",
  source: "PAGE 2026, arXiv 2605.06183, for LoRA",
  sumOf(g, x, delta, { seed, of }) {
    const [n, sequences, tokens, d] = x.shape as [number, number, number, number];
    const [m, , , out] = delta.shape as [number, number, number, number];
    const r = DEFAULT_RANK;
    const rows = sequences * tokens;
    const draw = random(seed, nameSeed("page"));
    const down = Float32Array.from({ length: d * r }, () => draw.normal() / Math.sqrt(d));
    const project = (input: typeof x) => g.matmul(input, g.constant(tensorOf("float32", [d, r], down)));
    const ones = tensorOf("float32", [d], new Float32Array(d).fill(1));
    const hidden =
      of === "site" ? project(x) : g.gelu(project(g.layerNorm(x, g.constant(ones), undefined, NORM_EPSILON)));
    const columns = g.reshape(g.transpose(hidden, [0, 3, 1, 2]), [n * r, rows]);
    const up = g.matmul(columns, g.reshape(delta, [m, rows, out])); // [m, n · r, out]
    return g.transpose(g.reshape(up, [m, n, r * out]), [1, 0, 2]);
  },
  ofFactors: (gradient) => gradient.reduce((sum, x) => sum + x * x, 0),
} as const satisfies Score;
