import type { Score } from "./score.ts";

/** σ₁: the steepest slope of the loss along any W of rank 1 and norm 1, the most that one step of rank 1 can gain. */
export const spectralScore = {
  summary: "spectral norm: largest singular value of the gradient",
  source:
    "Golub and Van Loan 2013, Matrix Computations, section 2.3; for choosing where to grow Evci et al. 2022, arXiv 2201.05125",
  ofSpectrum: (sigma) => sigma[0] ?? 0,
} as const satisfies Score;
