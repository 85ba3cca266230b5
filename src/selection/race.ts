import type { Edge } from "../adapters/index.ts";
import { GraftError } from "../base/index.ts";
import { type Evaluation, standings } from "../objective/index.ts";
import { drawnEdges, takeFitting } from "./selector.ts";
import { STANDING, type TaskSelector, type TaskSelectorRequest } from "./task-selector.ts";

/** Edges that are tried, where twice as many as are wanted are not more. */
const CANDIDATES = 24;

/** How many edges a race tries to find some. */
export const candidatesFor = (count: number): number => (count === 0 ? 0 : Math.max(CANDIDATES, 2 * count));

/**
 * Draw edges, train an adapter on each alone for an epoch, from the same start, and take those that validation likes best. No
 * score is needed: a short training is the score (docs/experiments.md tells how well it foretells a long one).
 */
export const raceSelector: TaskSelector = {
  usage: "race:3",
  summary: `the best 3 of ${CANDIDATES} drawn edges, each trained alone for an epoch`,
  counted: true,
  defaultCount: undefined,
  seeded: true,
  needsScores: false,
  from: { edges: "edges", count: (states) => states * states },
  work: (count) => ({ scorings: 0, tries: candidatesFor(count), trainings: 0 }),
  choose: async (request) => ({ edges: await race(request), scoreName: STANDING }),
};

/** The edges that win, the best first, each with its standing among all that were tried. */
export async function race({
  states,
  count,
  seed,
  fits,
  tryOut,
}: Pick<TaskSelectorRequest, "states" | "count" | "seed" | "fits" | "tryOut">): Promise<(Edge & { score: number })[]> {
  const candidates = drawnEdges(states, seed, "race")
    .filter((edge) => fits?.([edge]) ?? true)
    .slice(0, candidatesFor(count));
  const results: (Evaluation | undefined)[] = [];
  for (const edge of candidates)
    results.push(await tryOut([edge]).then(({ validation }) => validation, unlessDiverged));
  const shares = standings(results);
  const order = [...candidates.keys()].sort((a, b) => shares[b]! - shares[a]!);
  const ranking = order.map((at) => ({ ...candidates[at]!, score: shares[at]! }));
  return takeFitting(ranking, count, fits);
}

/** An edge whose adapter cannot be trained at this rate is the worst of all. */
function unlessDiverged(error: unknown): undefined {
  if (!(error instanceof GraftError && error.code === "LOSS_NOT_FINITE")) throw error;
}
