import { type Edge, edgeKind } from "../adapters/index.ts";
import { standings } from "../objective/index.ts";
import { drawnEdges, takeFitting } from "./selector.ts";
import { STANDING, type TaskSelector, type TaskSelectorRequest } from "./task-selector.ts";

/** Edges it begins with, where four times as many as are wanted are not more. */
const CANDIDATES = 48;

const candidatesFor = (count: number): number => (count === 0 ? 0 : Math.max(CANDIDATES, 4 * count));

/**
 * Train adapters on many edges together for an epoch, leave out the half that validation misses least, train the others anew, and
 * so on: unlike a race, which looks at each edge alone, it sees what an adapter is worth beside the others. Half of those it
 * begins with are parallel ones, the cheapest, of which there are n − 1 among n² edges.
 */
export const pruneSelector: TaskSelector = {
  usage: "prune:3",
  summary: `${CANDIDATES} edges trained together for an epoch, the half missed least left out, down to 3`,
  counted: true,
  defaultCount: undefined,
  seeded: true,
  needsScores: false,
  from: { edges: "edges", count: (states) => states * states },
  work: (count) => ({ scorings: 0, tries: roundsFrom(candidatesFor(count), count), trainings: 0 }),
  choose: async (request) => ({ edges: await prune(request), scoreName: STANDING }),
};

/** The edges that are left, the most missed first, each with its standing in the last round that it was in. */
async function prune({
  states,
  count,
  seed,
  fits,
  tryOut,
  without,
}: TaskSelectorRequest): Promise<(Edge & { score?: number })[]> {
  const drawn = drawnEdges(states, seed, "prune").filter((edge) => fits?.([edge]) ?? true);
  const most = candidatesFor(count);
  const [parallel, others] = [true, false].map((isParallel) =>
    drawn.filter((edge) => (edgeKind(edge) === "parallel") === isParallel),
  );
  const early = parallel!.slice(0, most / 2);
  let left: (Edge & { score?: number })[] = [...early, ...others!.slice(0, most - early.length)];
  let dropped: typeof left = [];
  while (left.length > count) {
    const shares = standings(await without(await tryOut(left), left));
    // Ranks turned round: what does best without an edge misses it least.
    const missed = left.map((edge, k) => ({ ...edge, score: 1 + 1 / left.length - shares[k]! }));
    missed.sort((a, b) => b.score - a.score);
    const kept = Math.max(count, Math.ceil(left.length / 2));
    dropped = [...missed.slice(kept), ...dropped];
    left = missed.slice(0, kept);
  }
  return takeFitting([...left, ...dropped], count, fits);
}

/** Rounds that halve some edges until `count` are left. */
function roundsFrom(edges: number, count: number): number {
  let rounds = 0;
  for (let left = edges; left > count; left = Math.max(count, Math.ceil(left / 2))) rounds++;
  return rounds;
}
