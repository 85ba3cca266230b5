import { parallelEdges, type Selector, takeFitting } from "./selector.ts";

/** Adapters beside the first sub-layers. */
export const firstParallelSelector: Selector = {
  usage: "first:3",
  summary: "the first 3 parallel edges",
  counted: true,
  seeded: false,
  needsScores: false,
  from: { edges: "parallel edges", count: (states) => parallelEdges(states).length },
  choose: ({ states, count, fits }) => ({ edges: takeFitting(parallelEdges(states), count, fits) }),
};
