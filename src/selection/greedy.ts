import type { Edge } from "../adapters/index.ts";
import { nameSeed, random } from "../base/index.ts";
import type { Trained } from "../training/index.ts";
import { pickHighest } from "./pick-highest.ts";
import type { TaskSelector } from "./task-selector.ts";

/**
 * Take the edge of highest score, train adapters on what was taken so far, score again with them in place, repeat: what the
 * paper leaves to future work. Each training starts anew and ends after an epoch, unless more are asked for. Scores are not
 * discounted: what an adapter that is there makes superfluous loses its gradient.
 */
export const greedySelector: TaskSelector = {
  usage: "greedy:3",
  summary: "3 edges, scored again after each trained adapter",
  counted: true,
  defaultCount: undefined,
  seeded: true,
  needsScores: true,
  from: { edges: "edges", count: (states) => states * states },
  work: (count) => ({ scorings: count, tries: Math.max(0, count - 1), trainings: 0 }),
  async choose({ count, seed, fits, score, tryOut }) {
    const edges: (Edge & { score: number })[] = [];
    const ties = { picks: 0, drawn: 0 };
    let trained: Trained | undefined;
    for (let round = 0; round < count; round++) {
      if (edges.length > 0) trained = await tryOut(edges);
      const scores = await score(trained);
      const isFree = ({ from, to }: Edge) => !edges.some((taken) => taken.from === from && taken.to === to);
      const pick = pickHighest(scores, {
        count: 1,
        seed: random(seed, nameSeed("greedy"), round).int(2 ** 31),
        fits: ([edge]) => isFree(edge!) && (fits?.([...edges, edge!]) ?? true),
      });
      const [taken] = pick.edges;
      if (!taken) break;
      edges.push({ ...taken, score: scores.matrix[taken.from]![taken.to]! });
      ties.picks += pick.ties!.picks;
      ties.drawn += pick.ties!.drawn;
    }
    return { edges, ties };
  },
};
