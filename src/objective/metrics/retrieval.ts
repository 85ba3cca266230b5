import { mean } from "../../base/index.ts";
import { checkCount, checkIndices } from "./checks.ts";

/** Candidates compared with all queries before the next: 64 of 768 numbers are 200 kB, which a cache holds. */
const BLOCK = 64;

/**
 * Rank of each query's relevant candidate among all candidates by cosine: 1 + those that are nearer + half of those
 * exactly as near. So a tie for the first place has rank 1.5 and is not in the first 1, and embeddings that all
 * coincide rank in the middle. A vector of zeros is at cosine 0 from all. NaN flatters nobody: where it comes in, the
 * relevant candidate is not the nearer one.
 * Needs no memory beyond a number for each query and candidate.
 * @param queries     row-major, [n, d]; of any length
 * @param candidates  row-major, [m, d]; of any length
 * @param relevant    [n], index of the one relevant candidate of each query
 * @param d           width of a vector
 * @returns           [n], whole or half numbers in 1..m
 * @throws            GraftError METRIC for shapes that do not fit, or a relevant candidate that there is not
 */
export function ranksOf(
  queries: Float32Array,
  candidates: Float32Array,
  relevant: Int32Array,
  d: number,
): Float64Array {
  const [n, m] = [relevant.length, candidates.length / d];
  checkCount("numbers of query embeddings", queries.length, n * d, `${d} for each of ${n} queries`);
  checkCount("numbers of candidate embeddings", candidates.length, Math.floor(m) * d, `a multiple of ${d}`);
  checkIndices("relevant candidate", relevant, m);
  // A query's length does not change the order of candidates, so only those are brought to length 1.
  const scale = Float64Array.from({ length: m }, (_, k) => inverseLength(candidates, k * d, d));
  const nearness = (row: number, k: number) => dot(queries, row * d, candidates, k * d, d) * scale[k]!;
  const target = Float64Array.from(relevant, (k, row) => nearness(row, k));
  const [farther, tied] = [new Int32Array(n), new Int32Array(n)];
  for (let start = 0; start < m; start += BLOCK) {
    const end = Math.min(m, start + BLOCK);
    for (let row = 0; row < n; row++) {
      for (let k = start; k < end; k++) {
        if (k === relevant[row]) continue;
        const other = nearness(row, k);
        if (target[row]! > other) farther[row]!++;
        else if (target[row]! === other) tied[row]!++;
      }
    }
  }
  return Float64Array.from(relevant, (_, row) => m - farther[row]! - tied[row]! / 2);
}

/**
 * Mean reciprocal rank: the mean of 1 / rank, 0 for a rank beyond k.
 * @param ranks  [n], from 1, as `ranksOf` gives them
 * @returns      in [0, 1]; NaN for no queries
 */
export const mrrAt = (ranks: Float64Array, k: number): number => mean(ranks.map((rank) => (rank <= k ? 1 / rank : 0)));

/**
 * Normalised discounted cumulative gain where one candidate is relevant, and the ideal gain 1: the mean of
 * 1 / log2(1 + rank), 0 for a rank beyond k (Järvelin and Kekäläinen 2002).
 * @param ranks  [n], from 1, as `ranksOf` gives them
 * @returns      in [0, 1]; NaN for no queries
 */
export const ndcgAt = (ranks: Float64Array, k: number): number =>
  mean(ranks.map((rank) => (rank <= k ? 1 / Math.log2(1 + rank) : 0)));

/**
 * Share of queries whose relevant candidate is among the first k.
 * @param ranks  [n], from 1, as `ranksOf` gives them
 * @returns      in [0, 1]; NaN for no queries
 */
export const recallAt = (ranks: Float64Array, k: number): number => mean(ranks.map((rank) => (rank <= k ? 1 : 0)));

/** Sum of products in one order, in double precision: equal vectors are equally near, to the last bit. */
function dot(a: Float32Array, atA: number, b: Float32Array, atB: number, d: number): number {
  let [even, odd] = [0, 0];
  const last = d - 1;
  for (let j = 0; j < last; j += 2) {
    even += a[atA + j]! * b[atB + j]!;
    odd += a[atA + j + 1]! * b[atB + j + 1]!;
  }
  return d % 2 === 0 ? even + odd : even + odd + a[atA + last]! * b[atB + last]!;
}

function inverseLength(vectors: Float32Array, at: number, d: number): number {
  const length = Math.sqrt(dot(vectors, at, vectors, at, d));
  return length === 0 ? 0 : 1 / length;
}
