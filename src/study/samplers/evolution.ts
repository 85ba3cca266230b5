import * as z from "zod";
import type { Edge } from "../../adapters/index.ts";
import type { Random } from "../../base/index.ts";
import { bestFirst, gainsOf } from "../pareto.ts";
import type { Space } from "../space.ts";
import {
  drawPoint,
  inRowOrder,
  knownTrials,
  newCandidate,
  type Point,
  pick,
  type Range,
  roundRate,
  sameEdge,
} from "./draw.ts";
import type { SamplerKind } from "./sampler.ts";

const options = z.strictObject({
  population: z
    .int()
    .min(2)
    .default(20)
    .describe("trials alive: the newest complete ones; so many are drawn uniformly first"),
  tournament: z.int().min(1).default(10).describe("of them drawn for a tournament, whose winner is the parent"),
});

/**
 * Regularised evolution: a child of the winner of a tournament among the newest complete trials; age alone removes a trial,
 * so that a lucky measurement does not breed for ever. With several objectives the better of two is the one of the lower
 * Pareto layer, then the less crowded (NSGA-II). A child differs from its parent in one mutation.
 */
export const evolutionSampler: SamplerKind<typeof options> = {
  summary: "regularised evolution: changes one thing of a recent trial that won a tournament; several objectives",
  source: "Real et al. 2019, arXiv 1802.01548; tournaments of several objectives as in NSGA-II, Deb et al. 2002",
  needsScores: false,
  adaptive: true,
  distinct: true,
  options,
  suggest(request, { population, tournament }) {
    const { space, objectives, random } = request;
    const known = knownTrials(request);
    const alive = known.filter(({ trial }) => trial.values).slice(-population);
    if (known.length < population || alive.length === 0)
      return newCandidate(request, known, () => drawPoint(space, random));
    const order = bestFirst(alive.map(({ trial }) => gainsOf(trial.values!, objectives)));
    return newCandidate(request, known, () => {
      const places = random.permutation(order.length).subarray(0, tournament);
      return mutate(alive[order[Math.min(...places)]!]!.point, space, random);
    });
  },
};

/** One change; each kind that the space allows is as likely as another. */
function mutate(point: Point, space: Space, random: Random): Point {
  const { edges, rank, learningRate, initScale } = point;
  const [least, most] = space.count;
  const free = space.edges.filter((edge) => !edges.some((own) => sameEdge(own, edge)));
  const without = (edge: Edge) => edges.filter((own) => own !== edge);
  const withEdges = (changed: readonly Edge[]): Point => ({ ...point, edges: inRowOrder(changed) });

  const mutations: (() => Point)[] = [];
  if (free.length > 0) {
    mutations.push(() => {
      const edge = pick(edges, random);
      return withEdges([...without(edge), movedEdge(edge, free, random)]);
    });
    mutations.push(() => withEdges([...without(pick(edges, random)), pick(free, random)]));
    if (edges.length < most) mutations.push(() => withEdges([...edges, pick(free, random)]));
  }
  if (edges.length > least) mutations.push(() => withEdges(without(pick(edges, random))));
  const ranks = space.ranks.filter((other) => other !== rank);
  if (ranks.length > 0) mutations.push(() => ({ ...point, rank: pick(ranks, random) }));
  if (isOpen(space.learningRate))
    mutations.push(() => ({ ...point, learningRate: changedRate(learningRate!, space.learningRate!, random) }));
  if (isOpen(space.initScale))
    mutations.push(() => ({ ...point, initScale: changedRate(initScale!, space.initScale!, random) }));
  return mutations.length > 0 ? pick(mutations, random)() : point;
}

/** One end moves, most likely to the next place that is free: half of the times there, a quarter to the one after … */
function movedEdge(edge: Edge, free: readonly Edge[], random: Random): Edge {
  const [fixed, moving] = random.int(2) === 0 ? (["from", "to"] as const) : (["to", "from"] as const);
  const away = (other: Edge) => Math.abs(other[moving] - edge[moving]);
  const sideways = free.filter((other) => other[fixed] === edge[fixed]);
  const near = (sideways.length > 0 ? sideways : free)
    .map((other) => ({ other, toss: random.next() })) // above or below by chance
    .toSorted((a, b) => away(a.other) - away(b.other) || a.toss - b.toss);
  const steps = Math.floor(-Math.log2(1 - random.next()));
  return near[Math.min(steps, near.length - 1)]!.other;
}

const isOpen = (range: Range | undefined): boolean => range !== undefined && range[0] < range[1];

/** Times or over a fifth of the range, in the logarithm: the deviation of one normal step. */
function changedRate(rate: number, range: Range, random: Random): number {
  const step = 0.2 * Math.log(range[1] / range[0]) * random.normal();
  return roundRate(rate * Math.exp(step), range);
}
