import type { Edge } from "../adapters/index.ts";
import { GraftError, mean, pearson } from "../base/index.ts";
import { comparer, ranking, standings } from "./ranking.ts";
import type { EdgeScores } from "./scores.ts";

/** How sure a ranking of edges is, as far as the choice of the probe's examples goes. */
export interface Confidence {
  /**
   * The correlation to expect between this ranking and that of another probe of the same size: Spearman's between both halves
   * of the probe, averaged over all ways to halve its groups, raised to the whole by Spearman and Brown's 2r / (1 + r).
   * At most 1; NaN where a half tells no edges apart.
   */
  readonly reliability: number;
  readonly groups: number;
  /** How many halves of the probe were scored. */
  readonly halves: number;
  /** Of the first edges those whose order with edges behind the first changes in more than a fifth of the halves. */
  readonly unsure: readonly { readonly edge: Edge; readonly rivals: readonly Edge[] }[];
}

/** Groups the probe is cut into where nothing is said: 3 ways to halve, 6 halves. */
export const DEFAULT_GROUPS = 4;

/** First edges that are compared with those behind them: as many as the default placement takes. */
const FIRST = 3;

/** Share of the halves in which the order of two edges may change. */
const CHANGES = 0.2;

/**
 * All halves of some groups, a half and its complement next to each other.
 * @param groups  even
 */
export function halvesOf(groups: number): (readonly number[])[] {
  const all = Array.from({ length: groups }, (_, k) => k);
  const withFirst = choose(all.slice(1), groups / 2 - 1).map((rest) => [0, ...rest]);
  return withFirst.flatMap((half) => [half, all.filter((k) => !half.includes(k))]);
}

function choose(from: readonly number[], count: number): number[][] {
  if (count === 0) return [[]];
  return from.flatMap((first, k) => choose(from.slice(k + 1), count - 1).map((rest) => [first, ...rest]));
}

/**
 * Compare the ranking of a whole probe with those of its halves. A half's scores differ from the whole's as much as the
 * whole's from those of all examples there could be (the variance of both is σ²/count, of which a half has count/2), so that what
 * changes between them needs no correction, as a bootstrap's: Shao and Wu 1989, Annals of Statistics 17(3), on the jackknife
 * that leaves out a half.
 * @param halves  a half and its complement next to each other
 */
export function confidenceOf(whole: EdgeScores, halves: readonly EdgeScores[], groups: number): Confidence {
  const places = halves.map(standings);
  const pairs = places.flatMap((half, k) => (k % 2 === 0 ? [pearson(half, places[k + 1]!)] : []));
  const half = mean(pairs);
  const n = whole.matrix.length;
  const edgeAt = (at: number): Edge => ({ from: Math.floor(at / n), to: at % n });
  const order = ranking(whole);
  const comparers = halves.map(comparer);
  // An order that one half reverses and one that it leaves open count one and a half.
  const changes = (first: number, other: number) =>
    comparers.reduce((sum, compare) => sum + (1 - Math.sign(compare(first, other))) / 2, 0) / halves.length;
  const unsure = order.slice(0, FIRST).flatMap((first) => {
    const rivals = order.slice(FIRST).filter((other) => changes(first, other) > CHANGES);
    return rivals.length === 0 ? [] : [{ edge: edgeAt(first), rivals: rivals.map(edgeAt) }];
  });
  // Below 0 there is nothing to raise.
  return { reliability: half > 0 ? (2 * half) / (1 + half) : half, groups, halves: halves.length, unsure };
}

/**
 * Sizes of groups of a probe, as equal as can be.
 * @throws GraftError GROUPS_OUT_OF_RANGE
 */
export function groupSizes(examples: number, groups: number): number[] {
  if (!(Number.isInteger(groups) && groups % 2 === 0 && groups >= 2 && groups <= MOST && groups <= examples))
    throw new GraftError("GROUPS_OUT_OF_RANGE", {
      thing: `${groups} groups of ${examples} probe examples`,
      place: "the probe is cut into them, and every half of them is scored",
      remedy: `Choose an even number from 2 to ${MOST}, not above that of the examples`,
    });
  return Array.from(
    { length: groups },
    (_, k) => Math.floor(((k + 1) * examples) / groups) - Math.floor((k * examples) / groups),
  );
}

/** 70 halves. */
const MOST = 8;
