import * as z from "zod";
import type { Random } from "../../base/index.ts";
import { bestFirst, gainsOf } from "../pareto.ts";
import type { Space } from "../space.ts";
import { drawPoint, type KnownTrial, knownTrials, newCandidate, type Point, type Range, roundRate } from "./draw.ts";
import type { SamplerKind } from "./sampler.ts";
import { type Density, smooth } from "./smooth.ts";

const options = z.strictObject({
  startup: z.int().min(1).default(10).describe("trials drawn uniformly first"),
  good: z.number().gt(0).lt(1).default(0.15).describe("share of the trials that count as good"),
  proposals: z.int().min(1).default(24).describe("draws from the good trials' density, of which the best is taken"),
});

/**
 * Tree-structured Parzen estimator. Trials are split into good and bad; l and g are the densities of each kind; of some
 * draws from l the one with the largest l/g is taken. Count, rank and the rates (by their logarithm) have a density each.
 * The set of edges has one over the edges, to which every edge of a trial adds 1/count, spread over near edges (i, j): a
 * set is drawn from it without replacement, and its ratio is the geometric mean of its edges', so that size by itself is
 * no merit. Good are the first by Pareto layer and crowding, which with one objective is the metric. Bad are all others:
 * pruned, failed, and those under way, whose neighbourhood other workers should leave alone for now.
 */
export const tpeSampler: SamplerKind<typeof options> = {
  summary: "tree-structured Parzen estimator: draws where good trials lie denser than others; several objectives",
  source: "Bergstra et al. 2011; the density over sets of edges is ours",
  needsScores: false,
  adaptive: true,
  distinct: true,
  options,
  suggest(request, { startup, good, proposals }) {
    const { space, objectives, random } = request;
    const known = knownTrials(request);
    const complete = known.filter(({ trial }) => trial.values);
    if (known.length < startup || complete.length < 2)
      return newCandidate(request, known, () => drawPoint(space, random));
    const order = bestFirst(complete.map(({ trial }) => gainsOf(trial.values!, objectives)));
    const best = new Set(order.slice(0, Math.ceil(good * complete.length)).map((at) => complete[at]!));
    const axes = axesOf(space);
    const l = densitiesOf(axes, [...best]);
    const g = densitiesOf(
      axes,
      known.filter((one) => !best.has(one)),
    );
    const drawn = Array.from({ length: proposals }, () => drawProposal(space, l, g, random)).toSorted(
      (a, b) => b.merit - a.merit,
    );
    let next = 0;
    return newCandidate(request, known, () => (drawn[next++] ?? drawProposal(space, l, g, random)).point);
  },
};

/** One thing that a point says, as places on a line or, of edges, in the plane. */
interface Axis {
  readonly places: readonly (readonly number[])[];
  readonly step: number;
  /** The places of a point, which share its weight of 1. */
  of(point: Point): readonly number[];
}

type Axes = Readonly<Record<"edges" | "count" | "rank" | "learningRate" | "initScale", Axis>>;
type Densities = Readonly<Record<keyof Axes, Density>>;

const CELLS = 64;

function axesOf({ edges, count, ranks, learningRate, initScale }: Space): Axes {
  const { from: froms, to: tos } = { from: edges.map(({ from }) => from), to: edges.map(({ to }) => to) };
  const at = new Map(edges.map(({ from, to }, k) => [`${from}-${to}`, k]));
  const sorted = ranks.toSorted((a, b) => a - b);
  return {
    edges: {
      places: edges.map(({ from, to }) => [from, to]),
      step: Math.min(leastStep(froms), leastStep(tos)),
      of: (point) => point.edges.map(({ from, to }) => at.get(`${from}-${to}`)!),
    },
    count: line(count[1] - count[0] + 1, (point) => point.edges.length - count[0]),
    rank: line(ranks.length, (point) => sorted.indexOf(point.rank)),
    learningRate: rateAxis(learningRate, (point) => point.learningRate),
    initScale: rateAxis(initScale, (point) => point.initScale),
  };
}

const line = (length: number, of: (point: Point) => number): Axis => ({
  places: Array.from({ length }, (_, k) => [k]),
  step: 1,
  of: (point) => [of(point)],
});

/** Cells of equal width in the logarithm. */
const rateAxis = (range: Range | undefined, of: (point: Point) => number | undefined): Axis =>
  range === undefined || range[0] === range[1]
    ? line(1, () => 0)
    : line(CELLS, (point) => {
        const place = (CELLS * Math.log(of(point)! / range[0])) / Math.log(range[1] / range[0]);
        return Math.min(CELLS - 1, Math.max(0, Math.floor(place)));
      });

/** Distance of the nearest states that differ. */
function leastStep(states: readonly number[]): number {
  const sorted = [...new Set(states)].toSorted((a, b) => a - b);
  return sorted.slice(1).reduce((least, state, k) => Math.min(least, state - sorted[k]!), Number.POSITIVE_INFINITY);
}

function densitiesOf(axes: Axes, trials: readonly KnownTrial[]): Densities {
  const density = ({ places, step, of }: Axis): Density => {
    const weights = places.map(() => 0);
    for (const { point } of trials) {
      const seen = of(point);
      for (const place of seen) weights[place]! += 1 / seen.length;
    }
    return smooth(places, weights, step);
  };
  return {
    edges: density(axes.edges),
    count: density(axes.count),
    rank: density(axes.rank),
    learningRate: density(axes.learningRate),
    initScale: density(axes.initScale),
  };
}

/** A draw from l, and log l/g there. */
function drawProposal(space: Space, l: Densities, g: Densities, random: Random): { point: Point; merit: number } {
  const ratio = (axis: keyof Axes, place: number) => Math.log(l[axis].shares[place]! / g[axis].shares[place]!);
  const ranks = space.ranks.toSorted((a, b) => a - b);
  const places = {
    count: l.count.draw(random),
    rank: l.rank.draw(random),
    learningRate: l.learningRate.draw(random),
    initScale: l.initScale.draw(random),
  };
  const taken = l.edges.drawSet(space.count[0] + places.count, random);
  const rate = (range: Range | undefined, place: number) =>
    range && roundRate(range[0] * (range[1] / range[0]) ** ((place + random.next()) / CELLS), range);
  return {
    point: {
      edges: taken.map((place) => space.edges[place]!),
      rank: ranks[places.rank]!,
      learningRate: rate(space.learningRate, places.learningRate),
      initScale: rate(space.initScale, places.initScale),
    },
    merit:
      taken.reduce((sum, place) => sum + ratio("edges", place), 0) / taken.length +
      ratio("count", places.count) +
      ratio("rank", places.rank) +
      ratio("learningRate", places.learningRate) +
      ratio("initScale", places.initScale),
  };
}
