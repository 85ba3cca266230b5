import type { Score } from "./score.ts";

/** ‖G‖_F: the steepest slope of the loss along any W of Frobenius norm 1. */
export const frobeniusScore = {
  summary: "Frobenius norm of the gradient",
  source: "Nowak et al. 2024, arXiv 2410.15858, as what rank predicts better than",
  ofGradient: ({ data }) => norm(data),
} as const satisfies Score;

/** Euclidean norm in double precision. */
export function norm(data: ArrayLike<number>): number {
  let sum = 0;
  for (let k = 0; k < data.length; k++) sum += data[k]! ** 2;
  return Math.sqrt(sum);
}
