import { DEFAULT_RANK, type Edge, formatPlacement, parseEntries } from "../../adapters/index.ts";
import type { Random } from "../../base/index.ts";
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

/** The point of a candidate; undefined where it is none of the space: another kind of method, another rank or rate. */
export function pointOf({ method, learningRate, initScale }: Candidate, space: Space): Point | undefined {
  if (!/^\s*\d/.test(method)) return;
  const entries = parseEntries(method).map(({ rank = DEFAULT_RANK, ...edge }) => ({ ...edge, rank }));
  const rank = entries[0]!.rank;
  const isIn =
    entries.every((entry) => entry.rank === rank && space.edges.some((edge) => sameEdge(edge, entry))) &&
    entries.length >= space.count[0] &&
    entries.length <= space.count[1] &&
    space.ranks.includes(rank) &&
    isWithin(learningRate, space.learningRate) &&
    isWithin(initScale, space.initScale);
  if (!isIn) return;
  return { edges: inRowOrder(entries.map(({ from, to }) => ({ from, to }))), rank, learningRate, initScale };
}

const isWithin = (value: number | undefined, range: Range | undefined): boolean =>
  range === undefined ? value === undefined : value !== undefined && value >= range[0] && value <= range[1];

export interface KnownTrial {
  readonly trial: Trial;
  readonly point: Point;
}

/** The trials that say something about the space: no baselines, and none from outside of it. */
export function knownTrials({ trials, space }: Pick<SamplerRequest, "trials" | "space">): KnownTrial[] {
  return trials.flatMap((trial) => {
    const point = trial.origin === "baseline" ? undefined : pointOf(trial.candidate, space);
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
