import { formatScore, type SparseHeatMap } from "../report/index.ts";
import { type ParsedScores, rankDifference, type ScoreComparison } from "../scoring/index.ts";

/** A score as a reader knows it, e.g. `srank on count`. */
export const scoresName = ({ scoreName, task }: ParsedScores): string =>
  task === undefined ? scoreName : `${scoreName} on ${task}`;

/** Two scores and what comparing them gave. */
export interface ComparedScores {
  readonly scores: ParsedScores;
  readonly other: ParsedScores;
  /** The file the other came from. */
  readonly file: string;
  readonly comparison: ScoreComparison;
}

/** The names of both; where they are alike the other is its file. */
function namesOf({ scores, other, file }: ComparedScores): readonly [string, string] {
  const [a, b] = [scoresName(scores), scoresName(other)];
  return [a, a === b ? file : b];
}

/** Where the first ranks an edge above the second, in % of all edges. */
export function differenceMap(compared: ComparedScores): SparseHeatMap {
  const [a, b] = namesOf(compared);
  const { states } = compared.comparison;
  return {
    ...(states.length < compared.scores.matrix.length && { states }),
    matrix: rankDifference(compared.scores, compared.other).map((row) => row.map((value) => 100 * value)),
    scoreName: "places, % of edges",
    title: `where ${a} ranks an edge above ${b}, and where below`,
    isDifference: true,
  };
}

/** What the numbers say, a line each. */
export function comparisonLines(compared: ComparedScores): readonly string[] {
  const [a, b] = namesOf(compared);
  const { spearman, byKind, top, states, estimates } = compared.comparison;
  const edges = states.length ** 2;
  const all = compared.scores.matrix.length ** 2;
  const about = [
    ...(edges < all ? [`  over the ${edges} of ${all} edges that both scored`] : []),
    ...[a, b].flatMap((name, k) =>
      estimates[k] === 0 ? [] : [`  of ${name} ${estimates[k]} of them are estimates of a coarse pass, not scores`],
    ),
  ];
  const { value, low, high, p, permutations } = spearman;
  if (Number.isNaN(value))
    return [`${a} against ${b}: no correlation, for one of them is the same on every edge`, ...about];
  const interval = low === undefined || high === undefined ? "" : ` (95 %: ${fixed(low)} to ${fixed(high)})`;
  const kinds = Object.entries(byKind)
    .filter(([, { value: within }]) => !Number.isNaN(within))
    .map(([kind, { value: within }]) => `${kind} ${fixed(within)}`);
  return [
    `${a} against ${b}: Spearman's ρ ${fixed(value)}${interval}`,
    ...about,
    `  interval: jackknife over states; p ${formatScore(p)} (Mantel, ${permutations.toLocaleString("en")} orders of the states)`,
    ...(kinds.length > 0 ? [`  by kind: ${kinds.join(", ")}`] : []),
    ...top.map(
      ({ count, shared, byChance }) =>
        `  of the best ${count} edges of each, ${formatScore(shared)} are shared (by chance ${formatScore(byChance)})`,
    ),
  ];
}

const fixed = (value: number): string => value.toFixed(2).replace("-", "−");
