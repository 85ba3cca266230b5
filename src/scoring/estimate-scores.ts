import { mean, standardDeviation } from "../base/index.ts";

/** Estimates of all edges' scores from those of some, and a coarse number of each. */
export interface ScoreEstimates {
  /** Take in exact scores; none may come twice. */
  add(scores: readonly ScoredEdge[]): void;
  /**
   * What is expected of every edge, and its standard error: 0 where the score is known. [n²] each
   * @throws RangeError where fewer than three were taken in: two settle the trend, and nothing tells how far edges lie from it
   */
  estimate(): { readonly expected: Float64Array; readonly errors: Float64Array };
  /**
   * The most that every edge may have: so many standard errors above what is expected of it, and where all known scores are whole
   * numbers the next of these, for they are equal more often than an estimate between two of them says. [n²]
   */
  most(margin: number): Float64Array;
}

export interface ScoredEdge {
  /** i · n + j. */
  readonly edge: number;
  readonly score: number;
}

/** Variance of the trend's factor and offset, in that of what edges leave of it: nothing is known of them beforehand. */
const VAGUE = 1e4;
/** The same of what an edge shares with no other: the chance of the drawn columns. */
const OWN = 0.1;
/** Scores that settle the trend. */
const SETTLING = 2;
/** Distance, as a share of the states, over which what edges share falls to 1/e. */
const REACH = 0.25;

/**
 * Kriging with a linear trend: score(i, j) = a + b · coarse(i, j) + r(i, j), where r is alike for edges that read near states,
 * that add to near states, and that do both. Standard errors are scaled by how far the scores that were taken in lay from
 * what those before them made expect.
 * @param coarse  of edge (i, j) at i · n + j
 * @see    Cressie 1993, Statistics for Spatial Data, section 3.4. A score adds a row to the Cholesky factor: n² · (how many) operations
 */
export function estimateScores(coarse: readonly number[], n: number): ScoreEstimates {
  const count = n * n;
  const centre = mean(coarse);
  const width = standardDeviation(coarse) || 1;
  const trend = Float64Array.from(coarse, (value) => (value - centre) / width);
  const near = Float64Array.from({ length: n * n }, (_, k) =>
    Math.exp(-Math.hypot(Math.floor(k / n), k % n) / (REACH * n)),
  );
  const covariance = (a: number, b: number) => {
    const rows = Math.abs(Math.floor(a / n) - Math.floor(b / n));
    const columns = Math.abs((a % n) - (b % n));
    const shared = (near[rows]! + near[columns]! + near[rows * n + columns]!) / 3;
    return VAGUE * (1 + trend[a]! * trend[b]!) + shared;
  };
  /** Of L⁻¹ · covariance(known, all). */
  const factor: Float64Array[] = [];
  const variances = Float64Array.from({ length: count }, (_, edge) => covariance(edge, edge));
  const expected = new Float64Array(count);
  const known = new Map<number, number>();
  const surprises: number[] = [];
  const estimates: ScoreEstimates = {
    add(scores) {
      for (const { edge, score } of scores) {
        const deviation = Math.sqrt(Math.max(0, variances[edge]!) + OWN);
        const surprise = (score - expected[edge]!) / deviation;
        const row = Float64Array.from({ length: count }, (_, other) => covariance(edge, other));
        for (const before of factor) {
          const share = before[edge]!;
          for (let other = 0; other < count; other++) row[other]! -= share * before[other]!;
        }
        for (let other = 0; other < count; other++) {
          row[other]! /= deviation;
          variances[other]! -= row[other]! ** 2;
          expected[other]! += row[other]! * surprise;
        }
        factor.push(row);
        surprises.push(surprise);
        known.set(edge, score);
      }
    },
    estimate() {
      const told = surprises.slice(SETTLING);
      if (told.length === 0) throw new RangeError(`estimates from ${surprises.length} scores have no standard error`);
      const scale = Math.sqrt(mean(told.map((one) => one ** 2)));
      const ofAll = expected.slice();
      const errors = variances.map((variance) => scale * Math.sqrt(Math.max(0, variance) + OWN));
      for (const [edge, score] of known) {
        ofAll[edge] = score;
        errors[edge] = 0;
      }
      return { expected: ofAll, errors };
    },
    most(margin) {
      const { expected, errors } = estimates.estimate();
      const above = expected.map((value, edge) => value + margin * errors[edge]!);
      return [...known.values()].every(Number.isInteger) ? above.map(Math.ceil) : above;
    },
  };
  return estimates;
}
