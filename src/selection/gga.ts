import { DEFAULT_RANK } from "../adapters/index.ts";
import type { EdgeScores } from "../scoring/index.ts";
import { select } from "./select.ts";
import type { Selection } from "./selector.ts";

/**
 * Gradient-guided adapters: take the edge of highest score, multiply every score by 1 − γ^d₁ with d₁ = |i − k| + |j − l|
 * its distance from the one taken, repeat. Ties go to the higher entropy rank, then to a seeded draw, and are counted.
 * @param scores what `scoreEdges` gives, or any `{ matrix, tieBreak? }` of numbers ≥ 0
 * @param count  how many edges, 0..n²
 * @param gamma  how far a chosen edge's discount reaches, in [0, 1); 0 takes the `count` highest; default 0.6
 * @param seed   of the draw between edges equal in score and entropy rank; default 0
 * @param rank   of each adapter; default 8
 * @throws GraftError COUNT_OUT_OF_RANGE, GAMMA_OUT_OF_RANGE, RANK_OUT_OF_RANGE, BAD_SCORES
 * @see    Nowak et al. 2024, arXiv 2410.15858, its GGA algorithm
 */
export function gga(
  scores: EdgeScores,
  { count, gamma, seed = 0, rank = DEFAULT_RANK }: { count: number; gamma?: number; seed?: number; rank?: number },
): Selection {
  const states = scores.matrix.length;
  return select({ selector: "gga", count }, { states, scores, seed, gamma, defaultRank: rank });
}
