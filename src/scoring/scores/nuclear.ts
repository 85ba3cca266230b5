import { finiteSum } from "./finite-sum.ts";
import type { Score } from "./score.ts";

/** Σ σ_k: the steepest slope of the loss along any W of spectral norm 1. */
export const nuclearScore = {
  summary: "nuclear norm: sum of the gradient's singular values",
  source: "Recht, Fazel and Parrilo 2010, arXiv 0706.4138",
  ofSpectrum: (sigma) => finiteSum(sigma),
} as const satisfies Score;
