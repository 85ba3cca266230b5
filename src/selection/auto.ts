import { enough, pointsOf } from "./enough.ts";
import { ggaDiscount } from "./gradient-guided.ts";
import { pickHighest } from "./pick-highest.ts";
import type { TaskSelector } from "./task-selector.ts";

/**
 * How many adapters are enough: GGA ranks the edges, and the first 0, 1, 2, 4, 8 … of them are trained with several seeds
 * each. The least number is taken whose validation metric lies within one standard error of the best one's (`enough`).
 */
export const autoSelector: TaskSelector = {
  usage: "auto:8",
  summary: "as many edges of GGA's as are enough on validation, 8 at most",
  counted: true,
  defaultCount: 8,
  seeded: true,
  needsScores: true,
  from: { edges: "edges", count: (states) => states * states },
  work: (count, seeds) => ({ scorings: 1, trainings: seeds * countsUpTo(count).length }),
  epochs: "all",
  async choose(request) {
    const { count, gamma, seeds, score, train } = request;
    const scores = await score();
    const { edges, ties } = pickHighest(scores, request, ggaDiscount(gamma));
    const counts = countsUpTo(edges.length);
    const values: number[][] = [];
    for (const some of counts) {
      const row: number[] = [];
      for (const seed of seeds) row.push((await train(edges.slice(0, some), seed)).validation.value);
      values.push(row);
    }
    const curve = pointsOf(counts, values);
    const taken = edges
      .slice(0, enough(curve))
      .map((edge) => ({ ...edge, score: scores.matrix[edge.from]![edge.to]! }));
    return { edges: taken, ties, curve, unfilled: count - edges.length };
  },
};

/** 0, the powers of 2 below a number, and the number. */
function countsUpTo(most: number): number[] {
  const counts = [0];
  for (let count = 1; count < most; count *= 2) counts.push(count);
  return most === 0 ? counts : [...counts, most];
}
