import type { Edge } from "../adapters/index.ts";
import { GraftError, nameSeed, random } from "../base/index.ts";
import type { EdgeScores } from "../scoring/index.ts";
import type { ChosenEdges, Selector } from "./selector.ts";

/** The paper's γ. */
export const DEFAULT_GAMMA = 0.6;

/** The algorithm behind `gga`, for the table. */
export const ggaSelector: Selector = {
  usage: "gga:3",
  summary: "the 3 edges that gradient-guided selection takes",
  counted: true,
  seeded: true,
  needsScores: true,
  from: { edges: "edges", count: (states) => states * states },
  choose: ({ scores, count, gamma = DEFAULT_GAMMA, seed }) => choose(scores!, count, gamma, seed),
};

function choose({ matrix, tieBreak }: EdgeScores, count: number, gamma: number, seed: number): ChosenEdges {
  checkGamma(gamma);
  const n = matrix.length;
  const score = matrix.flat(); // edge (i, j) at i · n + j
  const entropy = tieBreak?.flat();
  const open = new Set(score.keys());
  const edges: Edge[] = [];
  const ties = { picks: 0, drawn: 0 };
  for (let pick = 0; pick < count; pick++) {
    const best = allLargest(open, score);
    const first = entropy ? allLargest(best, entropy) : best;
    if (best.length > 1) ties.picks++;
    if (first.length > 1) ties.drawn++;
    const taken = first[first.length > 1 ? random(seed, nameSeed("gga"), pick).int(first.length) : 0]!;
    const [k, l] = [Math.floor(taken / n), taken % n];
    edges.push({ from: k, to: l });
    open.delete(taken);
    for (const at of open) score[at]! *= 1 - gamma ** (Math.abs(Math.floor(at / n) - k) + Math.abs((at % n) - l));
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

function checkGamma(gamma: number): void {
  if (gamma >= 0 && gamma < 1) return;
  throw new GraftError("GAMMA_OUT_OF_RANGE", {
    thing: `gamma ${gamma}`,
    place: "GGA discounts the neighbours of a chosen edge by 1 − gamma^distance",
    remedy: `Choose 0 (no discount) or more, and less than 1; the default is ${DEFAULT_GAMMA}`,
  });
}
