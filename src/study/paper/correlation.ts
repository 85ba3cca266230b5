import { type MatrixCorrelation, mantelTest, spearman } from "../../base/index.ts";
import type { Trial } from "../trial.ts";
import { analyseEdges, type EdgesOfTask, isWhole } from "./edges.ts";
import { isNumber } from "./rows.ts";
import { correlation, type Verdict } from "./verdict.ts";

/** Experiment 3: are edges that are good for one task good for another? */
export interface CorrelationResult {
  readonly pairs: readonly TaskPair[];
  /** Of the matrices of two seeds of one task: about the most that two tasks can reach. */
  readonly seeds: readonly { readonly task: string; readonly value: number }[];
  readonly verdicts: readonly Verdict[];
}

export interface TaskPair {
  readonly tasks: readonly [string, string];
  /** Edges measured on both. */
  readonly edges: number;
  /** Spearman's. Test and interval only where every edge is measured on both. */
  readonly value: number;
  readonly whole: MatrixCorrelation | undefined;
}

export interface CorrelationOptions {
  readonly permutations?: number;
}

export function analyseCorrelation(
  trials: readonly Trial[],
  names: readonly string[],
  all: string,
  options: CorrelationOptions = {},
): CorrelationResult {
  const { tasks } = analyseEdges(trials, names, all);
  const pairs = tasks.flatMap((a, k) => tasks.slice(k + 1).map((b) => pairOf(a, b, options)));
  const seeds = tasks.flatMap(({ task, bySeed: [first, second] }) =>
    first && second ? [{ task, value: sharedCells(first, second).value }] : [],
  );
  return { pairs, seeds, verdicts: [isLow(pairs, seeds)] };
}

function pairOf(a: EdgesOfTask, b: EdgesOfTask, options: CorrelationOptions): TaskPair {
  const whole =
    a.matrix.length > 1 && isWhole(a) && isWhole(b)
      ? mantelTest(a.matrix as number[][], b.matrix as number[][], options)
      : undefined;
  return { tasks: [a.task, b.task], ...sharedCells(a.matrix, b.matrix), whole };
}

function sharedCells(a: EdgesOfTask["matrix"], b: EdgesOfTask["matrix"]) {
  const cells = a.flatMap((row, i) =>
    row.flatMap((x, j) => {
      const y = b[i]![j];
      return isNumber(x) && isNumber(y) ? [[x, y] as const] : [];
    }),
  );
  const value = spearman(
    cells.map(([x]) => x),
    cells.map(([, y]) => y),
  );
  return { edges: cells.length, value };
}

function isLow(pairs: readonly TaskPair[], seeds: CorrelationResult["seeds"]): Verdict {
  const whole = pairs.flatMap((pair) => (isNumber(pair.whole?.low) ? [pair.whole as Required<MatrixCorrelation>] : []));
  const known = pairs.length > 0 && whole.length === pairs.length;
  const low = whole.filter(({ high }) => high! < 0.5).length;
  const high = whole.filter((pair) => pair.low! > 0.5).length;
  const values = pairs.map(({ value }) => value).filter(isNumber);
  return {
    claim: "Edges that are good for one task are rarely good for another: correlations between tasks are low",
    rule: "Spearman's correlation of the matrices, its interval by the jackknife over states: confirmed if it lies below 0.5 for half of the pairs of tasks or more, not confirmed if above 0.5 for half or more",
    outcome:
      known && 2 * low >= pairs.length ? "confirmed" : known && 2 * high >= pairs.length ? "not confirmed" : "unclear",
    because: known
      ? `correlations ${correlation(Math.min(...values))} to ${correlation(Math.max(...values))} in ${pairs.length} pairs, below 0.5 in ${low} and above in ${high} beyond doubt; ` +
        `two seeds of one task: ${seeds.map(({ task, value }) => `${task} ${correlation(value)}`).join(", ") || "not measured"}`
      : `${whole.length} of ${pairs.length} pairs are measured on every edge`,
  };
}
