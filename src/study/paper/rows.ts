import type { Edge } from "../../adapters/index.ts";
import { mean, tQuantile } from "../../base/index.ts";
import type { Evaluation } from "../../objective/index.ts";
import { entriesOf } from "../entries.ts";
import type { Trial } from "../trial.ts";

/** A trial as the analyses look at it; seeds whose run is not complete are undefined. */
export interface Row {
  readonly method: string;
  /** Of a placement that is written out. */
  readonly edges: readonly Edge[];
  readonly isBaseline: boolean;
  /** The metric by seed: on the examples that chose the epoch, and on those that measure. */
  readonly validation: readonly (number | undefined)[];
  readonly measured: readonly (number | undefined)[];
  /** On the examples that chose the epoch, after the first one. */
  readonly firstEpoch: readonly (Evaluation | undefined)[];
}

/** What is left of the trainings of a task when seeds and placements are taken out. */
export interface Noise {
  readonly deviation: number;
  readonly degrees: number;
}

/** Difference of two rows over the seeds they share. */
export interface RowDifference {
  readonly mean: number;
  readonly low: number | undefined;
  readonly high: number | undefined;
}

/** Rows of a task with at least one complete run, in the trials' order. */
export function rowsOf(trials: readonly Trial[], task: string): readonly Row[] {
  return trials
    .filter((trial) => trial.task === task)
    .map(({ candidate: { method }, origin, runs }) => ({
      method,
      edges: entriesOf(method),
      isBaseline: origin === "baseline",
      validation: runs.map(({ result }) => result?.validation.value),
      measured: runs.map(({ result }) => result?.measured.value),
      firstEpoch: runs.map(({ reports }) => reports.find(({ epoch }) => epoch === 1)),
    }))
    .filter(({ measured }) => measured.some(isNumber));
}

/** A row of one adapter on one edge. */
export interface EdgeRow extends Row {
  readonly edge: Edge;
  /** Of the measured metric, over seeds. */
  readonly mean: number;
}

/** The rows of one adapter on one edge, baselines left out, in their order. */
export const edgeRows = (rows: readonly Row[]): readonly EdgeRow[] =>
  rows.flatMap((row) => {
    const [edge, ...more] = row.edges;
    return edge && more.length === 0 && !row.isBaseline ? [{ ...row, edge, mean: meanOf(row.measured) }] : [];
  });

export const baseline = (rows: readonly Row[], method: string): Row | undefined =>
  rows.find((row) => row.isBaseline && row.method === method);

/** What a baseline measured, over seeds; undefined where it is not there. */
export function baselineMean(rows: readonly Row[], method: string): number | undefined {
  const row = baseline(rows, method);
  return row && meanOf(row.measured);
}

export const meanOf = (bySeed: readonly (number | undefined)[]): number => mean(bySeed.filter(isNumber));

/** The first of the rows whose mean is highest; a mean that is no number is no row's merit. Undefined for none. */
export const best = <R extends Row>(rows: readonly R[], by: "validation" | "measured"): R | undefined =>
  cheapest(rows, (row) => -meanOf(row[by]));

/** The first of the rows whose mean is lowest. */
export const worst = <R extends Row>(rows: readonly R[], by: "validation" | "measured"): R | undefined =>
  cheapest(rows, (row) => meanOf(row[by]));

const cheapest = <R extends Row>(rows: readonly R[], cost: (row: R) => number): R | undefined =>
  rows.filter((row) => isNumber(cost(row))).toSorted((a, b) => cost(a) - cost(b))[0];

/**
 * Standard deviation of what a training adds by chance: of x(row, seed) − mean of the row − mean of the seed + mean of all, over rows
 * whose seeds are all done, with (rows − 1) · (seeds − 1) degrees of freedom. A seed's data is the same for all rows, so
 * its mean says nothing about them.
 * @returns undefined with fewer than two such rows or seeds
 */
export function noiseOf(rows: readonly Row[]): Noise | undefined {
  const complete = rows.map(({ measured }) => measured).filter((bySeed) => bySeed.every(isNumber)) as number[][];
  const seeds = complete[0]?.length ?? 0;
  if (complete.length < 2 || seeds < 2) return undefined;
  const ofSeed = Array.from({ length: seeds }, (_, seed) => mean(complete.map((bySeed) => bySeed[seed]!)));
  const ofAll = mean(ofSeed);
  const squares = complete.flatMap((bySeed) => {
    const ofRow = mean(bySeed);
    return bySeed.map((value, seed) => (value - ofRow - ofSeed[seed]! + ofAll) ** 2);
  });
  const degrees = (complete.length - 1) * (seeds - 1);
  return { deviation: Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / degrees), degrees };
}

/** Mean difference of two rows, seed by seed, with the 95 % interval ± t · s · √(2 / seeds), s that of `noiseOf`. */
export function rowDifference(row: Row, other: Row, noise: Noise | undefined): RowDifference {
  const differences = row.measured.flatMap((value, seed) => {
    const against = other.measured[seed];
    return isNumber(value) && isNumber(against) ? [value - against] : [];
  });
  const centre = mean(differences);
  if (noise === undefined || differences.length === 0) return { mean: centre, low: undefined, high: undefined };
  const half = tQuantile(0.95, noise.degrees) * noise.deviation * Math.sqrt(2 / differences.length);
  return { mean: centre, low: centre - half, high: centre + half };
}

export const isNumber = (value: number | undefined): value is number => value !== undefined && !Number.isNaN(value);
