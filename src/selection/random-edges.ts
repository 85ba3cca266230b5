import { drawnEdges, type Selector, takeFitting } from "./selector.ts";

/** Uniform over all n² edges, without replacement: the paper's baseline. */
export const randomSelector: Selector = {
  usage: "random:3@7",
  summary: "3 edges drawn from all, with seed 7",
  counted: true,
  seeded: true,
  needsScores: false,
  from: { edges: "edges", count: (states) => states * states },
  choose: ({ states, count, seed, fits }) => ({
    edges: takeFitting(drawnEdges(states, seed, "random edges"), count, fits),
  }),
};
