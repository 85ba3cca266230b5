import { norm } from "./frobenius.ts";
import type { Score } from "./score.ts";

/**
 * ‖C^-½ · G‖_F = √tr(Gᵀ·C⁻¹·G), with C = E[xᵀx] of the state that the edge reads: the steepest slope of the loss along any W
 * that changes the state it adds to by a mean square of 1, so that a state is not preferred for being large. C gets a
 * thousandth of its mean variance on its diagonal.
 */
export const whitenedScore = {
  summary: "Frobenius norm of the gradient behind whitened inputs",
  source: "Layer Card 2026, arXiv 2602.04019, for layers",
  ofGradient: ({ data }) => norm(data),
  whitened: true,
} as const satisfies Score;
