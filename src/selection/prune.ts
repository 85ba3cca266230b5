import { type Edge, edgeKind } from "../adapters/index.ts";
import { standings } from "../objective/index.ts";
import { drawnEdges, takeFitting } from "./selector.ts";
import { STANDING, type TaskSelector, type TaskSelectorRequest } from "./task-selector.ts";

/** Edges it begins with, where four times as many as are wanted are not more. */
const AT_FIRST = 48;

const atFirst = (count: number): number => (count === 0 ? 0 : Math.max(AT_FIRST, 4 * count));

/** How many adapters each round trains until `count` are left. */
function rounds(edges: number, count: number): number[] {
  const sizes: number[] = [];
  for (let left = edges; left > count; left = halved(left, count)) sizes.push(left);
  return sizes;
}

const halved = (left: number, count: number): number => Math.max(count, Math.ceil(left / 2));

/**
 * Train adapters on many edges together for an epoch, leave out the half that validation misses least, train the others anew, and
 * so on: unlike a race, which looks at each edge alone, it sees what an adapter is worth beside the others. Half of those it
 * begins with are parallel ones, the cheapest, of which there are n − 1 among n² edges.
 */
export const pruneSelector: TaskSelector = {
  usage: "prune:3",
  summary: `${AT_FIRST} edges trained together for an epoch, the half missed least left out, down to 3`,
  counted: true,
  defaultCount: undefined,
  seeded: true,
  needsScores: false,
  from: { edges: "edges", count: (states) => states * states },
  work(count) {
    const sizes = rounds(atFirst(count), count);
    const passes = sizes.reduce((sum, size) => sum + size, 0);
    return { scorings: 0, tries: sizes.length, trainings: 0, most: atFirst(count), passes };
  },
  async choose(request) {
    const edges = await prune(request);
    return { edges, ...(edges.some(({ score }) => score !== undefined) && { scoreName: STANDING }) };
  },
};

/**
 * The edges that are left, the most missed first, each with its standing in the last round that it was in. Where so many
 * adapters cannot be trained together at this rate nothing is chosen: the error of that training is the selection's, and says so.
 */
async function prune({
  states,
  count,
  seed,
  fits,
  tryOut,
  without,
}: TaskSelectorRequest): Promise<(Edge & { score?: number })[]> {
  const drawn = drawnEdges(states, seed, "prune").filter((edge) => fits?.([edge]) ?? true);
  const most = atFirst(count);
  const [parallel, others] = [true, false].map((isParallel) =>
    drawn.filter((edge) => (edgeKind(edge) === "parallel") === isParallel),
  );
  const half = parallel!.slice(0, most / 2);
  let left: (Edge & { score?: number })[] = [...half, ...others!.slice(0, most - half.length)];
  let dropped: typeof left = [];
  while (left.length > count) {
    const shares = standings(await without(await tryOut(left), left));
    // Standings turned round: what does best without an edge misses it least.
    const missed = left.map((edge, k) => ({ ...edge, score: 1 + 1 / left.length - shares[k]! }));
    missed.sort((a, b) => b.score - a.score);
    const kept = halved(left.length, count);
    dropped = [...missed.slice(kept), ...dropped];
    left = missed.slice(0, kept);
  }
  return takeFitting([...left, ...dropped], count, fits);
}
