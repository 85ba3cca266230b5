import type { Score } from "./score.ts";

/** Most numbers of token Gram matrices at once. */
const MOST = 1 << 24;

/**
 * Trace of the empirical Fisher information: E‖G_e‖_F² over examples e, each with the gradient of its own loss. No gradient is
 * made: ‖X_eᵀ·Δ_e‖_F² = Σ_{t,s} (x_t·x_s)(δ_t·δ_s). Of an example of several texts each counts for itself.
 */
export const fisherScore = {
  summary: "Fisher information: mean squared norm of the gradients of single examples",
  source:
    "Sung et al. 2021, arXiv 2111.09839, for weights; null result for LoRA ranks in FIM-LoRA 2026, arXiv 2605.16800",
  sumOf(g, x, delta) {
    const [n, sequences, tokens] = x.shape as [number, number, number];
    const m = delta.shape![0] as number;
    const width = Math.max(1, Math.floor(MOST / ((n + m) * tokens ** 2)));
    const parts = Array.from({ length: Math.ceil(sequences / width) }, (_, k) => {
      const [start, end] = [k * width, Math.min((k + 1) * width, sequences)];
      const products = (of: typeof x) => {
        const part = end - start === sequences ? of : g.slice(of, 1, start, end);
        return g.reshape(g.matmul(part, g.transpose(part, [0, 1, 3, 2])), [-1, (end - start) * tokens ** 2]);
      };
      return g.matmul(products(x), g.transpose(products(delta), [1, 0])); // [n, m]
    });
    return g.unsqueeze(
      parts.reduce((sum, part) => g.add(sum, part)),
      [2],
    );
  },
  // Where all but nothing is left, rounding may leave less.
  ofFactors: ([mean]) => Math.max(0, mean!),
} as const satisfies Score;
