import { DEFAULT_RANK, type Edge, formatPlacement } from "../../adapters/index.ts";
import type { Random } from "../../base/index.ts";
import { entriesOf } from "../entries.ts";
import type { Space } from "../space.ts";
import type { Candidate, Trial } from "../trial.ts";
import type { SamplerRequest } from "./sampler.ts";

/** A point of the space: a candidate as samplers handle it. */
export interface Point {
  /** Distinct, in row order. */
  readonly edges: readonly Edge[];
  /** Of every adapter. */
  readonly rank: number;
  readonly learningRate?: number;
  readonly initScale?: number;
}

export type Range = readonly [number, number];

/** A uniform point: first the count, then that many edges without replacement (as `random:3`), rates by their logarithm. */
export function drawPoint(space: Space, random: Random): Point {
  const [least, most] = space.count;
  return {
    edges: drawEdges(space.edges, least + random.int(most - least + 1), random),
    rank: pick(space.ranks, random),
    learningRate: space.learningRate && drawRate(space.learningRate, random),
    initScale: space.initScale && drawRate(space.initScale, random),
  };
}

/** Some of the edges, without replacement, in row order. */
export function drawEdges(edges: readonly Edge[], count: number, random: Random): Edge[] {
  const taken = random.permutation(edges.length).subarray(0, count).sort();
  return Array.from(taken, (at) => edges[at]!);
}

export const pick = <T>(items: readonly T[], random: Random): T => items[random.int(items.length)]!;

/** One of the items, with probability in proportion to its weight; weights are ≥ 0 and not all 0. */
export function drawWeighted<T>(items: readonly T[], weightOf: (item: T) => number, random: Random): T {
  const weights = items.map(weightOf);
  let left = random.next() * weights.reduce((sum, weight) => sum + weight, 0);
  for (const [k, item] of items.entries()) {
    left -= weights[k]!;
    if (left < 0) return item;
  }
  return items[weights.findLastIndex((weight) => weight > 0)]!; // rounding left a rest
}

const drawRate = ([low, high]: Range, random: Random): number =>
  roundRate(Math.exp(random.uniform(Math.log(low), Math.log(high))), [low, high]);

/** Three digits say all that matters about a rate, and read well; never beyond the range's ends. */
export const roundRate = (rate: number, [low, high]: Range): number =>
  Math.min(high, Math.max(low, Number(rate.toPrecision(3))));

/** The middle of a range whose points are searched by their logarithm. */
export const middleOf = ([low, high]: Range): number => roundRate(Math.sqrt(low * high), [low, high]);

export const sameEdge = (a: Edge, b: Edge): boolean => a.from === b.from && a.to === b.to;

/** Row order, so that one set of edges is written one way. */
export const inRowOrder = (edges: readonly Edge[]): Edge[] => edges.toSorted((a, b) => a.from - b.from || a.to - b.to);

export function candidateOf({ edges, rank, learningRate, initScale }: Point): Candidate {
  const method = formatPlacement(inRowOrder(edges).map(({ from, to }) => ({ from, to, rank })));
  return { method, learningRate, initScale };
}

/**
 * Reads the points of candidates. Undefined is what is none of the space: another kind of method, or another edge, rank
 * or rate.
 */
export function pointReader(space: Space): (candidate: Candidate) => Point | undefined {
  const nameOf = ({ from, to }: Edge) => `${from}-${to}`;
  const allowed = new Set(space.edges.map(nameOf));
  return ({ method, learningRate, initScale }) => {
    const placement = entriesOf(method).map((entry) => ({ rank: DEFAULT_RANK, ...entry }));
    const rank = placement[0]?.rank;
    if (rank === undefined) return;
    const isIn =
      placement.every((entry) => entry.rank === rank && allowed.has(nameOf(entry))) &&
      placement.length >= space.count[0] &&
      placement.length <= space.count[1] &&
      space.ranks.includes(rank) &&
      isWithin(learningRate, space.learningRate) &&
      isWithin(initScale, space.initScale);
    if (!isIn) return;
    return { edges: inRowOrder(placement.map(({ from, to }) => ({ from, to }))), rank, learningRate, initScale };
  };
}

const isWithin = (value: number | undefined, range: Range | undefined): boolean =>
  range === undefined ? value === undefined : value !== undefined && value >= range[0] && value <= range[1];

export interface KnownTrial {
  readonly trial: Trial;
  readonly point: Point;
}

/** The trials that say something about the space: no baselines, and none from outside of it. */
export function knownTrials({ trials, space }: Pick<SamplerRequest, "trials" | "space">): KnownTrial[] {
  const read = pointReader(space);
  return trials.flatMap((trial) => {
    const point = trial.origin === "baseline" ? undefined : read(trial.candidate);
    return point ? [{ trial, point }] : [];
  });
}

export const keyOf = ({ method, learningRate, initScale }: Candidate): string =>
  [method, learningRate ?? "", initScale ?? ""].join(" ");

/** Proposals that may all be known before chance decides, and draws after which the space counts as exhausted. */
const [PROPOSALS, DRAWS] = [50, 10_000];

/**
 * The first proposal that no trial has, baselines apart; where proposals are all known, a uniform draw.
 * @returns undefined where draws without end meet nothing new: the space is exhausted
 */
export function newCandidate(
  request: SamplerRequest,
  known: readonly KnownTrial[],
  propose: () => Point,
): Candidate | undefined {
  const tried = new Set(known.map(({ point }) => keyOf(candidateOf(point))));
  for (let k = 0; k < PROPOSALS + DRAWS; k++) {
    const candidate = candidateOf(k < PROPOSALS ? propose() : drawPoint(request.space, request.random));
    if (!tried.has(keyOf(candidate))) return candidate;
  }
}
