import * as z from "zod";
import { GraftError } from "../../base/index.ts";
import type { Space } from "../space.ts";
import type { Candidate } from "../trial.ts";
import { candidateOf, keyOf, knownTrials, middleOf, type Range } from "./draw.ts";
import type { SamplerKind } from "./sampler.ts";

const options = z.strictObject({});

/**
 * Every single edge with every rank; of a range of rates its middle and its ends. Edges change fastest and middles come
 * first, so a grid that is stopped early has seen the whole matrix once. What is there already (trials carried over from
 * an export) is not done again.
 */
export const gridSampler: SamplerKind<typeof options> = {
  summary: "every single edge, with every rank and the middle and ends of ranges of rates; ends by itself",
  source: "the paper's heat maps (Nowak et al. 2024)",
  needsScores: false,
  adaptive: false,
  distinct: true,
  options,
  size: (space) => gridOf(space).length,
  suggest(request) {
    const tried = new Set(knownTrials(request).map(({ point }) => keyOf(candidateOf(point))));
    return gridOf(request.space).find((candidate) => !tried.has(keyOf(candidate)));
  },
};

function gridOf({ edges, count, ranks, learningRate, initScale }: Space): Candidate[] {
  if (count[1] > 1) {
    throw new GraftError("GRID_COUNT", {
      thing: `count ${count[0] === count[1] ? count[0] : `[${count.join(", ")}]`}`,
      place: `the grid goes through single edges; sets of ${count[1]} of ${edges.length} edges are too many to go through`,
      remedy: "Set `count: 1`, or draw with `sampler: random` (or scores, evolution, tpe)",
    });
  }
  const list: Candidate[] = [];
  for (const rate of levelsOf(learningRate)) {
    for (const scale of levelsOf(initScale)) {
      for (const rank of ranks) {
        for (const edge of edges) list.push(candidateOf({ edges: [edge], rank, learningRate: rate, initScale: scale }));
      }
    }
  }
  return list;
}

const levelsOf = (range: Range | undefined): (number | undefined)[] =>
  range ? [...new Set([middleOf(range), ...range])] : [undefined];
