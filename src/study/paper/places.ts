import type { Edge } from "../../adapters/index.ts";
import { type Correlation, spearmanInterval } from "../../base/index.ts";
import type { Trial } from "../trial.ts";
import {
  baselineMean,
  best,
  type EdgeRow,
  edgeRows,
  isNumber,
  type Noise,
  noiseOf,
  type Row,
  type RowDifference,
  rowDifference,
  rowsOf,
  worst,
} from "./rows.ts";
import { correlation, difference, isAbove, points, type Verdict } from "./verdict.ts";

/** Experiment 1: one parallel adapter at each place. */
export interface PlacesResult {
  readonly tasks: readonly PlacesOfTask[];
  /** For tasks in order: what `taken` loses on `on` with the place that is best for `from`. */
  readonly transfers: readonly Transfer[];
  readonly verdicts: readonly Verdict[];
}

export interface PlacesOfTask {
  readonly task: string;
  /** In the order of depth; places that are not measured yet are left out. */
  readonly places: readonly {
    readonly edge: Edge;
    readonly bySeed: readonly (number | undefined)[];
    readonly mean: number;
  }[];
  /** Mean of the linear head alone. */
  readonly head: number | undefined;
  /** Chosen and rejected by validation. */
  readonly best: Edge | undefined;
  readonly worst: Edge | undefined;
  /** The best against the worst, measured on other examples. */
  readonly gap: RowDifference | undefined;
  /** Of depth and metric: below 0, early places are better. */
  readonly depth: Correlation;
  readonly noise: Noise | undefined;
}

export interface Transfer {
  readonly from: string;
  readonly on: string;
  /** Metric on `on`: its own best place minus the best place of `from`, both chosen by validation. */
  readonly loss: RowDifference;
  /** Of the places' metrics on the two tasks. */
  readonly correlation: Correlation;
}

export function analysePlaces(trials: readonly Trial[], tasks: readonly string[]): PlacesResult {
  const rowsByTask = new Map(tasks.map((task) => [task, rowsOf(trials, task)]));
  const places = new Map(tasks.map((task) => [task, placesIn(rowsByTask.get(task)!)]));
  const results = tasks.map((task) => ofTask(task, places.get(task)!, baselineMean(rowsByTask.get(task)!, "none")));
  const transfers = tasks.flatMap((from) =>
    tasks.flatMap((on) => (from === on ? [] : transfer(from, on, places.get(from)!, places.get(on)!))),
  );
  return { tasks: results, transfers, verdicts: [matters(results), differs(transfers)] };
}

const placesIn = (rows: readonly Row[]): readonly EdgeRow[] =>
  edgeRows(rows).toSorted((a, b) => a.edge.from - b.edge.from);

function ofTask(task: string, rows: readonly EdgeRow[], head: number | undefined): PlacesOfTask {
  const noise = noiseOf(rows);
  const places = rows.map(({ edge, measured, mean }) => ({ edge, bySeed: measured, mean }));
  const chosen = best(rows, "validation");
  const rejected = worst(rows, "validation");
  return {
    task,
    places,
    head,
    best: chosen?.edge,
    worst: rejected?.edge,
    gap: chosen && rejected && rowDifference(chosen, rejected, noise),
    depth: spearmanInterval(
      places.map(({ edge }) => edge.from),
      places.map((place) => place.mean),
    ),
    noise,
  };
}

function transfer(from: string, on: string, theirs: readonly EdgeRow[], own: readonly EdgeRow[]): readonly Transfer[] {
  const [theirBest, ownBest] = [best(theirs, "validation"), best(own, "validation")];
  const moved = theirBest && own.find(({ method }) => method === theirBest.method);
  if (moved === undefined || ownBest === undefined) return [];
  const shared = theirs.flatMap((row) => {
    const other = own.find(({ method }) => method === row.method);
    return other ? [[row.mean, other.mean] as const] : [];
  });
  return [
    {
      from,
      on,
      loss: rowDifference(ownBest, moved, noiseOf(own)),
      correlation: spearmanInterval(
        shared.map(([x]) => x),
        shared.map(([, y]) => y),
      ),
    },
  ];
}

function matters(tasks: readonly PlacesOfTask[]): Verdict {
  const gaps = tasks.flatMap(({ gap }) => (gap === undefined ? [] : [gap]));
  const known = gaps.length === tasks.length && gaps.every(({ low }) => isNumber(low));
  const above = gaps.filter((gap) => isAbove(gap, 0.01)).length;
  return {
    claim: "Where one adapter goes changes accuracy a lot",
    rule: "Best against worst place, both by validation, measured on other examples: confirmed if the interval lies above 1 point on every task, not confirmed if on none",
    outcome: known && above === tasks.length ? "confirmed" : known && above === 0 ? "not confirmed" : "unclear",
    because: tasks
      .map(({ task, gap, best: from, worst }) =>
        gap && from && worst
          ? `${task}: ${difference(gap)} (${from.from}→${from.to} against ${worst.from}→${worst.to})`
          : `${task}: not measured`,
      )
      .join("; "),
  };
}

function differs(transfers: readonly Transfer[]): Verdict {
  const lost = transfers.filter(({ loss }) => isAbove(loss)).length;
  const known = transfers.length > 0 && transfers.every(({ loss }) => isNumber(loss.low));
  const low = transfers.filter(({ correlation: { high } }) => high !== undefined && high < 0.5).length;
  return {
    claim: "The best place depends on the task",
    rule: "What a task loses at the place that another task's validation chose: confirmed if the interval lies above 0 for half of the ordered pairs of tasks or more, not confirmed if for none",
    outcome: known && 2 * lost >= transfers.length ? "confirmed" : known && lost === 0 ? "not confirmed" : "unclear",
    because:
      `${lost} of ${transfers.length} pairs lose, at most ${points(Math.max(0, ...transfers.map(({ loss }) => loss.mean)))} points; ` +
      `rank correlations of places between tasks ${range(transfers.map(({ correlation: { value } }) => value))}` +
      `${low > 0 ? `, below 0.5 beyond doubt in ${low} of ${transfers.length}` : ""}`,
  };
}

const range = (values: readonly number[]) =>
  values.length === 0 ? "unknown" : `${correlation(Math.min(...values))} to ${correlation(Math.max(...values))}`;
