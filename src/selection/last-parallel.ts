import { parallelEdges, type Selector } from "./selector.ts";

/** Adapters beside the last sub-layers, as AdapterDrop keeps them. */
export const lastParallelSelector: Selector = {
  usage: "last:3",
  summary: "the last 3 parallel edges",
  counted: true,
  seeded: false,
  needsScores: false,
  from: { edges: "parallel edges", count: (states) => parallelEdges(states).length },
  choose: ({ states, count }) => ({ edges: parallelEdges(states).slice(states - 1 - count) }),
};
