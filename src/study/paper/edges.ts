import { type Edge, type EdgeKind, edgeKind, edgeKinds } from "../../adapters/index.ts";
import { median } from "../../base/index.ts";
import type { Evaluation } from "../../objective/index.ts";
import { entriesOf } from "../entries.ts";
import type { Trial } from "../trial.ts";
import {
  baseline,
  baselineMean,
  best,
  edgeRows,
  isNumber,
  type Noise,
  noiseOf,
  type RowDifference,
  rowDifference,
  rowsOf,
} from "./rows.ts";
import { difference, isAbove, isBelow, type Verdict } from "./verdict.ts";

/** Experiment 2: one adapter on each edge. */
export interface EdgesResult {
  /** State indices along both sides of the matrices. */
  readonly states: readonly number[];
  readonly tasks: readonly EdgesOfTask[];
  readonly verdicts: readonly Verdict[];
}

export interface EdgesOfTask {
  readonly task: string;
  /** [states, states], mean over seeds of the measured metric; undefined is not measured yet. Row: read, column: added to. */
  readonly matrix: readonly (readonly (number | undefined)[])[];
  /** Matrices of the seeds alone. */
  readonly bySeed: readonly (readonly (readonly (number | undefined)[])[])[];
  /** [edges] in the matrices' order, for each seed: what validation said after the first epoch. */
  readonly firstEpochs: readonly (readonly (Evaluation | undefined)[])[];
  /** Best three by the measured metric, as the paper counts them. */
  readonly top: readonly { readonly edge: Edge; readonly kind: EdgeKind; readonly mean: number }[];
  /** Middle of the metric by kind. */
  readonly kinds: readonly { readonly kind: EdgeKind; readonly edges: number; readonly median: number }[];
  /** The edge that validation chose. */
  readonly best: Edge | undefined;
  /** It, measured, against an adapter at every place. */
  readonly againstAll: RowDifference | undefined;
  readonly head: number | undefined;
  readonly all: number | undefined;
  readonly noise: Noise | undefined;
}

const TOP = 3;

/** @param all  the baseline with an adapter at every place, as the study names it */
export function analyseEdges(trials: readonly Trial[], tasks: readonly string[], all: string): EdgesResult {
  const placements = trials.map(({ candidate: { method } }) => entriesOf(method));
  const ends = placements.flatMap(([only, more]) => (only && !more ? [only.from, only.to] : []));
  const states = [...new Set(ends)].toSorted((a, b) => a - b);
  const results = tasks.map((task) => ofTask(trials, task, states, all));
  return { states, tasks: results, verdicts: [recurrentOnTop(results, states), oneIsEnough(results, all)] };
}

function ofTask(trials: readonly Trial[], task: string, states: readonly number[], all: string): EdgesOfTask {
  const rows = rowsOf(trials, task);
  const single = edgeRows(rows);
  const noise = noiseOf(single);
  const at = (from: number, to: number) => single.find(({ edge }) => edge.from === from && edge.to === to);
  const matrixOf = (value: (from: number, to: number) => number | undefined) =>
    states.map((from) => states.map((to) => value(from, to)));
  const seeds = Math.max(0, ...single.map(({ measured }) => measured.length));
  const edges = single.map(({ edge, mean }) => ({ edge, kind: edgeKind(edge), mean }));
  const chosen = best(single, "validation");
  const parallel = baseline(rows, all);
  return {
    task,
    matrix: matrixOf((from, to) => at(from, to)?.mean),
    bySeed: Array.from({ length: seeds }, (_, seed) => matrixOf((from, to) => at(from, to)?.measured[seed])),
    firstEpochs: Array.from({ length: seeds }, (_, seed) =>
      states.flatMap((from) => states.map((to) => at(from, to)?.firstEpoch[seed])),
    ),
    top: edges.toSorted((a, b) => b.mean - a.mean).slice(0, TOP),
    kinds: edgeKinds.flatMap((kind) => {
      const values = edges.filter((edge) => edge.kind === kind).map((edge) => edge.mean);
      return values.length === 0 ? [] : [{ kind, edges: values.length, median: median(values) }];
    }),
    best: chosen?.edge,
    againstAll: chosen && parallel && rowDifference(chosen, parallel, noise),
    head: baselineMean(rows, "none"),
    all: baselineMean(rows, all),
    noise,
  };
}

export const isWhole = ({ matrix }: Pick<EdgesOfTask, "matrix">): boolean => matrix.flat().every(isNumber);

/** How likely the best three edges hold a recurrent one if all orders of the edges are as likely. */
export function chanceOfRecurrent(states: number): number {
  const [edges, others] = [states * states, (states * (states + 1)) / 2];
  return (
    1 - Array.from({ length: TOP }, (_, k) => (others - k) / (edges - k)).reduce((product, share) => product * share, 1)
  );
}

function recurrentOnTop(tasks: readonly EdgesOfTask[], states: readonly number[]): Verdict {
  const withOne = tasks.filter(({ top }) => top.some(({ kind }) => kind === "recurrent"));
  const chance = chanceOfRecurrent(states.length);
  const whole = tasks.every((task) => isWhole(task) && task.matrix.length > 0);
  return {
    claim: "Recurrent edges are among the best three (on 5 of the paper's 7 tasks)",
    rule: `Confirmed if so on 5/7 of the tasks or more, not confirmed if on fewer than half. Chance alone puts one among three of ${states.length ** 2} edges with ${(100 * chance).toFixed(0)} %, so that this says little; the medians by kind say more`,
    outcome: !whole
      ? "unclear"
      : withOne.length >= (5 / 7) * tasks.length
        ? "confirmed"
        : withOne.length < tasks.length / 2
          ? "not confirmed"
          : "unclear",
    because: `${withOne.length} of ${tasks.length} tasks${whole ? "" : " (not all edges are measured)"}; ${tasks
      .map(
        ({ task, top }) => `${task}: ${top.map(({ edge }) => `${edge.from}→${edge.to}`).join(", ") || "not measured"}`,
      )
      .join("; ")}`,
  };
}

function oneIsEnough(tasks: readonly EdgesOfTask[], all: string): Verdict {
  const known = tasks.filter((task) => isWhole(task) && isNumber(task.againstAll?.low));
  const level = known.filter(({ againstAll }) => !isBelow(againstAll!));
  const beats = known.filter(({ againstAll }) => isAbove(againstAll!));
  return {
    claim: "One adapter rivals or beats one at every place on some tasks (2 of the paper's 7)",
    rule: `The edge that validation chose against ${all}, measured on other examples: confirmed if the interval lies above 0 on some task, not confirmed if below 0 on all, else unclear`,
    outcome:
      beats.length > 0
        ? "confirmed"
        : known.length === tasks.length && level.length === 0
          ? "not confirmed"
          : "unclear",
    because: tasks
      .map(({ task, againstAll, best: edge }) =>
        againstAll && edge
          ? `${task}: ${difference(againstAll)} with ${edge.from}→${edge.to}`
          : `${task}: not measured`,
      )
      .join("; "),
  };
}
