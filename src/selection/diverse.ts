import { pickHighest } from "./pick-highest.ts";
import type { TaskSelector } from "./task-selector.ts";

/**
 * GGA with the gradients themselves for the distance: a chosen edge leaves 1 − |cos| of another's score, cos that of the two
 * edges' gradients (`edgeCoupling`). Edges that lie close but learn differently keep their score; distant ones that learn
 * the same lose it.
 */
export const diverseSelector: TaskSelector = {
  usage: "diverse:3",
  summary: "3 edges of high score whose gradients are unlike",
  counted: true,
  defaultCount: undefined,
  seeded: true,
  needsScores: true,
  from: { edges: "edges", count: (states) => states * states },
  work: () => ({ scorings: 2, tries: 0, trainings: 0 }), // the second without singular values
  async choose(request) {
    const scores = await request.score();
    if (request.count === 0) return { edges: [] };
    const { cosine } = await request.couple();
    const { edges, ties } = pickHighest(scores, request, (taken, other) => 1 - Math.abs(cosine(taken, other)));
    return { edges: edges.map((edge) => ({ ...edge, score: scores.matrix[edge.from]![edge.to]! })), ties };
  },
};
