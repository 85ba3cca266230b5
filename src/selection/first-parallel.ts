import { parallelEdges, type Selector } from "./selector.ts";

/** Adapters beside the first sub-layers. */
export const firstParallelSelector: Selector = {
  usage: "first:3",
  summary: "the first 3 parallel edges",
  counted: true,
  seeded: false,
  needsScores: false,
  from: { edges: "parallel edges", count: (states) => parallelEdges(states).length },
  choose: ({ states, count }) => ({ edges: parallelEdges(states).slice(0, count) }),
};
