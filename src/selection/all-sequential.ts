import { type Selector, sequentialEdges } from "./selector.ts";

/** An adapter after every sub-layer: 2L of them, so not (0, 0). */
export const allSequentialSelector: Selector = {
  usage: "all:sequential",
  summary: "an adapter after every sub-layer",
  counted: false,
  seeded: false,
  needsScores: false,
  from: { edges: "sequential edges", count: (states) => sequentialEdges(states).length },
  choose: ({ states }) => ({ edges: sequentialEdges(states) }),
};
