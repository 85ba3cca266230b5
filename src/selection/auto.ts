import { enough, pointsOf } from "./enough.ts";
import { candidatesFor, race } from "./race.ts";
import { STANDING, type TaskSelector } from "./task-selector.ts";

/**
 * How many adapters are enough: a race orders drawn edges, and the first 0, 1, 2, 4, 8 … of them are trained with several seeds
 * each. The least number is taken whose validation metric lies within one standard error of the best one's (`enough`).
 */
export const autoSelector: TaskSelector = {
  usage: "auto:8",
  summary: "as many edges of a race's as are enough on validation, 8 at most",
  counted: true,
  defaultCount: 8,
  seeded: true,
  needsScores: false,
  from: { edges: "edges", count: (states) => states * states },
  work: (count, seeds) => ({ scorings: 0, tries: candidatesFor(count), trainings: seeds * countsUpTo(count).length }),
  async choose(request) {
    const { count, seeds, train } = request;
    const edges = await race(request);
    const counts = countsUpTo(edges.length);
    const values: number[][] = [];
    for (const some of counts) {
      const row: number[] = [];
      for (const seed of seeds) row.push((await train(edges.slice(0, some), seed)).validation.value);
      values.push(row);
    }
    const curve = pointsOf(counts, values);
    return { edges: edges.slice(0, enough(curve)), curve, unfilled: count - edges.length, scoreName: STANDING };
  },
};

/** 0, the powers of 2 below a number, and the number. */
function countsUpTo(most: number): number[] {
  const counts = [0];
  for (let count = 1; count < most; count *= 2) counts.push(count);
  return most === 0 ? counts : [...counts, most];
}
