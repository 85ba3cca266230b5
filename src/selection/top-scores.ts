import { pickHighest } from "./pick-highest.ts";
import type { Selector } from "./selector.ts";

/** The highest scores, with no regard to where they lie: GGA with γ = 0. */
export const topSelector: Selector = {
  usage: "top:3",
  summary: "the 3 edges of highest score",
  counted: true,
  seeded: true,
  needsScores: true,
  from: { edges: "edges", count: (states) => states * states },
  choose: (request) => pickHighest(request.scores!, request),
};
