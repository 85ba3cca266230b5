import type { EdgeScores } from "./scores.ts";

/** Scores that differ by less than this share of the larger are equal, as selectors take them. */
const EQUAL = 1e-12;

/** How many edges a score does not tell apart. */
export interface Ties {
  /** Edges that share their score with another. */
  readonly shared: number;
  /** Those of them that the tie break leaves equal, too: a draw decides. */
  readonly drawn: number;
}

/** Positive where the first of two edges, at i · n + j, is to be taken first; 0 where only a draw decides. */
export function comparer({ matrix, tieBreak }: EdgeScores): (a: number, b: number) => number {
  const first = matrix.flat();
  const second = tieBreak?.flat();
  return (a, b) => apart(first[a]!, first[b]!) || (second ? apart(second[a]!, second[b]!) : 0);
}

const apart = (a: number, b: number): number => (Math.abs(a - b) <= EQUAL * Math.max(a, b) ? 0 : a - b);

export function countTies(scores: EdgeScores): Ties {
  const { matrix } = scores;
  return { shared: sharers({ matrix }), drawn: sharers(scores) };
}

function sharers(scores: EdgeScores): number {
  const compare = comparer(scores);
  const order = ranking(scores);
  return order.filter(
    (edge, k) =>
      (k > 0 && compare(order[k - 1]!, edge) === 0) || (k + 1 < order.length && compare(edge, order[k + 1]!) === 0),
  ).length;
}

/** Edges, as i · n + j, the best first; of equal ones the earlier. */
export function ranking(scores: EdgeScores): number[] {
  const compare = comparer(scores);
  return [...scores.matrix.flat().keys()].sort((a, b) => compare(b, a));
}

/** Where each edge stands, from 1 for the worst; equal ones share the mean of their places. [n²] */
export function standings(scores: EdgeScores): Float64Array {
  const compare = comparer(scores);
  const order = ranking(scores).reverse();
  const places = new Float64Array(order.length);
  for (let start = 0; start < order.length; ) {
    let end = start + 1;
    while (end < order.length && compare(order[start]!, order[end]!) === 0) end++;
    for (let k = start; k < end; k++) places[order[k]!] = (start + end + 1) / 2;
    start = end;
  }
  return places;
}
