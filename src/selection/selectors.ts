import { allParallelSelector } from "./all-parallel.ts";
import { allSequentialSelector } from "./all-sequential.ts";
import { firstParallelSelector } from "./first-parallel.ts";
import { ggaSelector } from "./gradient-guided.ts";
import { lastParallelSelector } from "./last-parallel.ts";
import { noneSelector } from "./none.ts";
import { randomSelector } from "./random-edges.ts";
import type { Selector } from "./selector.ts";
import { topSelector } from "./top-scores.ts";

/** Every selector under its name: what `--place` understands, and what the contract suite runs. */
export const selectors = {
  gga: ggaSelector,
  top: topSelector,
  random: randomSelector,
  first: firstParallelSelector,
  last: lastParallelSelector,
  "all:parallel": allParallelSelector,
  "all:sequential": allSequentialSelector,
  none: noneSelector,
} satisfies Record<string, Selector>;

export type SelectorName = keyof typeof selectors;
