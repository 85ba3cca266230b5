import { nameSeed, random } from "../../base/index.ts";
import type { Score } from "./score.ts";

/** Uniform in [0, 1), each edge from a stream of its own. */
export const randomScore = {
  summary: "a number drawn for each edge by the seed",
  source: "null score: any order of the edges",
  ofEdge: ({ from, to }, _, { seed }) => random(seed, nameSeed("random score"), from, to).next(),
  ofSite: ({ name }, { seed }) => random(seed, nameSeed("random score"), nameSeed(name)).next(),
} as const satisfies Score;
