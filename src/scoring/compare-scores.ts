import { type EdgeKind, edgeKind } from "../adapters/index.ts";
import { GraftError, type MantelOptions, type MatrixCorrelation, mantelTest, ranks, spearman } from "../base/index.ts";
import type { EdgeScores } from "./scores.ts";

/** How alike two scores of the same states' edges are. */
export interface ScoreComparison {
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
 * Compare two scores, edge by edge.
 * @throws GraftError SCORES_MISMATCH if they are not over the same number of states
 */
export function compareScores(a: EdgeScores, b: EdgeScores, options: MantelOptions = {}): ScoreComparison {
  const n = a.matrix.length;
  checkSameStates(n, b.matrix.length);
  const [left, right] = [a.matrix.flat(), b.matrix.flat()];
  const kinds = left.map((_, k) => edgeKind({ from: Math.floor(k / n), to: k % n }));
  const within = (kind: EdgeKind) => {
    const of = (values: readonly number[]) => values.filter((_, k) => kinds[k] === kind);
    return { edges: of(left).length, value: spearman(of(left), of(right)) };
  };
  const counts = [TOP_COUNT, ...TOP_SHARES.map((share) => Math.round(share * left.length))];
  const usable = [...new Set(counts)].filter((count) => count > 0 && count < left.length).toSorted((x, y) => x - y);
  return {
    spearman: n > 1 ? mantelTest(a.matrix, b.matrix, options) : tooSmall,
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

/**
 * Check that scores of so many states can be compared.
 * @throws GraftError SCORES_MISMATCH
 */
export function checkSameStates(a: number, b: number): void {
  if (a === b) return;
  throw new GraftError("SCORES_MISMATCH", {
    thing: "two scores to compare",
    place: `one has ${a} states, the other ${b}`,
    remedy: "Compare scores of one backbone, or of two of the same depth",
  });
}

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
 * @returns     [n, n]; 0.3 says that `a` puts the edge above 30 % more of all edges than `b` does
 */
export function rankDifference(a: EdgeScores, b: EdgeScores): number[][] {
  const n = a.matrix.length;
  const [left, right] = [a, b].map(({ matrix }) => ranks(matrix.flat()));
  const most = Math.max(1, n * n - 1);
  return a.matrix.map((row, i) => row.map((_, j) => (left![i * n + j]! - right![i * n + j]!) / most));
}
