import { parallelEdges, type Selector } from "./selector.ts";

/** An adapter beside every sub-layer: 2L of them. */
export const allParallelSelector: Selector = {
  usage: "all:parallel",
  summary: "an adapter beside every sub-layer",
  counted: false,
  seeded: false,
  needsScores: false,
  from: { edges: "parallel edges", count: (states) => parallelEdges(states).length },
  choose: ({ states }) => ({ edges: parallelEdges(states) }),
};
