import type { Edge } from "../adapters/index.ts";
import { nameSeed, random } from "../base/index.ts";
import type { EdgeScores } from "../scoring/index.ts";
import type { ChosenEdges, SelectorRequest } from "./selector.ts";

/**
 * Take the edge of highest score, multiply every other score by `discount(taken, other)`, repeat. Edges that no longer fit
 * the budget drop out. Ties go to the larger tie break, then to a seeded draw, and are counted.
 */
export function pickHighest(
  { matrix, tieBreak }: EdgeScores,
  { count, seed, fits }: Pick<SelectorRequest, "count" | "seed" | "fits">,
  discount?: (taken: Edge, other: Edge) => number,
): ChosenEdges {
  const n = matrix.length;
  const score = matrix.flat(); // edge (i, j) at i · n + j
  const second = tieBreak?.flat();
  const edgeAt = (at: number): Edge => ({ from: Math.floor(at / n), to: at % n });
  const open = new Set(score.keys());
  const edges: Edge[] = [];
  const ties = { picks: 0, drawn: 0 };
  while (edges.length < count) {
    if (fits) for (const at of open) if (!fits([...edges, edgeAt(at)])) open.delete(at);
    if (open.size === 0) break;
    const best = allLargest(open, score);
    const first = second ? allLargest(best, second) : best;
    if (best.length > 1) ties.picks++;
    if (first.length > 1) ties.drawn++;
    const draw = () => random(seed, nameSeed("gga"), edges.length).int(first.length);
    const at = first[first.length > 1 ? draw() : 0]!;
    const taken = edgeAt(at);
    edges.push(taken);
    open.delete(at);
    if (discount) for (const other of open) score[other]! *= discount(taken, edgeAt(other));
  }
  return { edges, ties };
}

/**
 * Those of the candidates whose value is the largest. Values within 1e-12 of it are equal: the same discounts taken in
 * another order differ in the last bit.
 */
function allLargest(candidates: Iterable<number>, values: readonly number[]): number[] {
  const all = [...candidates];
  const largest = all.reduce((most, at) => Math.max(most, values[at]!), 0);
  return all.filter((at) => values[at]! >= largest * (1 - 1e-12));
}
