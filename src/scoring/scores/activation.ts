import type { Score } from "./score.ts";

/** √E‖X_e‖_F² over examples e of what the edge reads, all tokens together: no label, no gradient. */
export const activationScore = {
  summary: "norm of the state that the edge reads",
  source: "activation norms as in Wanda, Sun et al. 2023, arXiv 2306.11695; here without weights",
  sumOf: (g, x) => g.reduceSumSquare(g.reshape(x, [x.shape![0] as number, 1, -1]), [2]),
  ofFactors: ([mean]) => Math.sqrt(mean!),
} as const satisfies Score;
