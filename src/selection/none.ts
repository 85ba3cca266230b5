import type { Selector } from "./selector.ts";

/** No adapter: a linear head on the frozen backbone. */
export const noneSelector: Selector = {
  usage: "none",
  summary: "no adapter, the head alone",
  counted: false,
  seeded: false,
  needsScores: false,
  from: { edges: "edges", count: () => 0 },
  choose: () => ({ edges: [] }),
};
