import { type EdgeKind, edgeKind } from "../adapters/index.ts";
import { GraftError, type MantelOptions, type MatrixCorrelation, mantelTest, ranks, spearman } from "../base/index.ts";
import { isExact } from "./known-scores.ts";
import type { EdgeScores } from "./scores.ts";

/** How alike two scores of the same states' edges are. */
export interface ScoreComparison {
  /** States whose edges both scored, those between them: all that is compared. */
  readonly states: readonly number[];
  /** How many of these edges hold an estimate of a coarse pass and no score, on either side. */
  readonly estimates: readonly [number, number];
  /** Over all edges; states are what is drawn, for the interval and for p (`mantelTest`). Value NaN where one side never changes. */
  readonly spearman: MatrixCorrelation;
  /** Among edges of one kind alone: what is left where kinds differ. NaN for fewer than two edges, or equal ones. */
  readonly byKind: Readonly<Record<EdgeKind, { readonly edges: number; readonly value: number }>>;
  readonly top: readonly TopOverlap[];
}

export interface TopOverlap {
  /** The best so many edges of each. */
  readonly count: number;
  /** How many of them are in both. Where equal scores leave open which edges are meant: expected, if a draw decides. */
  readonly shared: number;
  /** Expected of scores that have nothing to do with each other. */
  readonly byChance: number;
}

/** How many of the best edges are compared: this many, and these shares of all. */
const TOP_COUNT = 10;
const TOP_SHARES = [0.05, 0.1] as const;

/**
 * Compare two scores, edge by edge: of scores with a stride, the edges that both scored.
 * @throws GraftError SCORES_MISMATCH if they are not over the same number of states, or no edges between two states are in both
 */
export function compareScores(a: EdgeScores, b: EdgeScores, options: MantelOptions = {}): ScoreComparison {
  const states = commonStates(scoredStates(a), scoredStates(b));
  const [mine, others] = [between(a, states), between(b, states)];
  const [left, right] = [mine.flat(), others.flat()];
  const edges = states.flatMap((from) => states.map((to) => ({ from, to })));
  const kinds = edges.map(edgeKind);
  const within = (kind: EdgeKind) => {
    const of = (values: readonly number[]) => values.filter((_, k) => kinds[k] === kind);
    return { edges: of(left).length, value: spearman(of(left), of(right)) };
  };
  const counts = [TOP_COUNT, ...TOP_SHARES.map((share) => Math.round(share * left.length))];
  const usable = [...new Set(counts)].filter((count) => count > 0 && count < left.length).toSorted((x, y) => x - y);
  const estimatesOf = (scores: EdgeScores) => edges.filter((edge) => !isExact(scores, edge)).length;
  return {
    states,
    estimates: [estimatesOf(a), estimatesOf(b)],
    spearman: states.length > 1 ? mantelTest(mine, others, options) : tooSmall,
    byKind: {
      sequential: within("sequential"),
      parallel: within("parallel"),
      "long-range": within("long-range"),
      recurrent: within("recurrent"),
    },
    top: usable.map((count) => ({
      count,
      shared: dot(membership(left, count), membership(right, count)),
      byChance: count ** 2 / left.length,
    })),
  };
}

/** How many states there are, and which of them were scored. */
export interface ScoredStates {
  readonly states: number;
  readonly stride?: number | undefined;
}

/**
 * The states that two scores have in common: those that both strides divide.
 * @throws GraftError SCORES_MISMATCH if they count other states, or share none but the first
 */
export function commonStates(a: ScoredStates, b: ScoredStates): readonly number[] {
  if (a.states !== b.states)
    throw mismatch(
      `one has ${a.states} states, the other ${b.states}`,
      "scores of one backbone, or of two of the same depth",
    );
  const [one, other] = [a.stride ?? 1, b.stride ?? 1];
  const states = [...Array(a.states).keys()].filter((state) => state % one === 0 && state % other === 0);
  if (states.length > 1 || a.states < 2) return states;
  throw mismatch(`one has stride ${one}, the other ${other}: state 0 alone is in both`, "scores of one stride");
}

const scoredStates = ({ matrix, stride }: EdgeScores): ScoredStates => ({ states: matrix.length, stride });

const mismatch = (place: string, remedy: string): GraftError =>
  new GraftError("SCORES_MISMATCH", { thing: "two scores to compare", place, remedy: `Compare ${remedy}` });

/** The scores of edges between some states. */
const between = ({ matrix }: EdgeScores, states: readonly number[]): number[][] =>
  states.map((from) => states.map((to) => matrix[from]![to]!));

const tooSmall: MatrixCorrelation = { value: Number.NaN, low: undefined, high: undefined, p: 1, permutations: 0 };

/** How surely each value is among the `count` highest: 1 or 0, or a share where equal values straddle the limit. */
function membership(values: readonly number[], count: number): readonly number[] {
  const limit = values.toSorted((x, y) => y - x)[count - 1]!;
  const above = values.filter((value) => value > limit).length;
  const equal = values.filter((value) => value === limit).length;
  return values.map((value) => (value > limit ? 1 : value === limit ? (count - above) / equal : 0));
}

const dot = (x: readonly number[], y: readonly number[]): number => x.reduce((sum, value, k) => sum + value * y[k]!, 0);

/**
 * Where `b` ranks an edge lower than `a` does: the difference of the shares of edges that each ranks below it, −1 to 1.
 * @param a, b  [n, n]
 * @returns     between their m common states, [m, m]; 0.3 says that `a` puts the edge above 30 % more of all edges than `b` does
 * @throws      as `compareScores`
 */
export function rankDifference(a: EdgeScores, b: EdgeScores): number[][] {
  const states = commonStates(scoredStates(a), scoredStates(b));
  const m = states.length;
  const [left, right] = [a, b].map((scores) => ranks(between(scores, states).flat()));
  const most = Math.max(1, m * m - 1);
  return states.map((_, i) => states.map((_, j) => (left![i * m + j]! - right![i * m + j]!) / most));
}
