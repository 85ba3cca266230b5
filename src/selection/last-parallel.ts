import { parallelEdges, type Selector, takeFitting } from "./selector.ts";

/** Adapters beside the last sub-layers, as AdapterDrop keeps them. */
export const lastParallelSelector: Selector = {
  usage: "last:3",
  summary: "the last 3 parallel edges",
  counted: true,
  seeded: false,
  needsScores: false,
  from: { edges: "parallel edges", count: (states) => parallelEdges(states).length },
  choose: ({ states, count, fits }) => ({
    edges: takeFitting(parallelEdges(states).reverse(), count, fits).reverse(),
  }),
};
