import { type Edge, type EdgeKind, edgeKind } from "../adapters/index.ts";
import { GraftError } from "../base/index.ts";
import { colorAt, divergingColorAt, type Rgb } from "./color-scale.ts";

/** A number per edge, to be drawn. */
export interface HeatMap {
  /** [n, n]; `matrix[i][j]` belongs to edge (i, j): rows are what an adapter reads, columns what it adds to. */
  readonly matrix: readonly (readonly number[])[];
  /** What the numbers are, e.g. `srank`. */
  readonly scoreName: string;
  /** E.g. `vit on count`. */
  readonly title?: string | undefined;
  /** Whether numbers are differences: colours then lead from blue over grey, nothing, to brown. Default false. */
  readonly isDifference?: boolean | undefined;
  /** Edges to be marked, in the order they were chosen. */
  readonly chosen?: readonly Edge[] | undefined;
}

/** A map of some of the states. */
export interface SparseHeatMap extends HeatMap {
  /** State index of each row and column; default 0..n−1. Where it is given a cell may be NaN: nothing is known of it. */
  readonly states?: readonly number[] | undefined;
}

/** Ends of the scale, where a value lies between them, 0..1, and the scale's colours by that. */
export interface Extent {
  readonly min: number;
  readonly max: number;
  readonly isDifference: boolean;
  fraction(value: number): number;
  colorAt(fraction: number): Rgb;
}

/**
 * The values a map's colours span: from the smallest to the largest; of differences as far on either side of 0.
 * @throws GraftError BAD_HEAT_MAP if the matrix is empty, not square or not finite, or a chosen edge lies outside it
 */
export function extentOf({ matrix, chosen = [], states, isDifference }: SparseHeatMap): Extent {
  const n = matrix.length;
  const values = states ? matrix.flat().filter((value) => !Number.isNaN(value)) : matrix.flat();
  if (n === 0 || matrix.some((row) => row.length !== n)) throw badHeatMap("its matrix is empty or not square");
  if (!values.every(Number.isFinite)) throw badHeatMap("its matrix holds NaN or an infinity");
  for (const { from, to } of chosen) {
    if (matrix[indexOf(from, states)]?.[indexOf(to, states)] === undefined)
      throw badHeatMap(`edge (${from}, ${to}) to be marked is outside its ${n} states`);
  }
  const [min, max] = values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ] as [number, number]);
  const far = Math.max(-min, max);
  if (isDifference)
    return {
      ...{ min: -far, max: far, isDifference, colorAt: divergingColorAt },
      fraction: (value) => (far > 0 ? (value + far) / (2 * far) : 0.5),
    };
  return { min, max, isDifference: false, colorAt, fraction: (value) => (max > min ? (value - min) / (max - min) : 0) };
}

/** Where a state stands among those of a map. */
export const indexOf = (state: number, states: readonly number[] | undefined): number =>
  states === undefined ? state : states.indexOf(state);

/** The value of an edge that a map holds, given by its states. */
export const valueAt = ({ matrix, states }: SparseHeatMap, { from, to }: Edge): number =>
  matrix[indexOf(from, states)]![indexOf(to, states)]!;

/** A score as a reader wants it: whole numbers as they are, others to three digits. */
export const formatScore = (value: number): string =>
  Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(3)));

/** The same of a cell of which nothing may be known. */
export const cellText = (value: number): string => (Number.isNaN(value) ? "not measured" : formatScore(value));

/** What a state is: state 0 enters block 0; then each block leaves one after its attention, one after its feed-forward. */
export function stateName(state: number): string {
  if (state === 0) return "input of block 0";
  return `after block ${(state - 1) >> 1}'s ${state % 2 === 1 ? "attention" : "feed-forward"}`;
}

/** The same in a few letters, for an axis: `input`, `3 attn`, `3 mlp`. */
export const stateLabel = (state: number): string =>
  state === 0 ? "input" : `${(state - 1) >> 1} ${state % 2 === 1 ? "attn" : "mlp"}`;

/** The known values of each kind's edges, in the order of the matrix. */
export function valuesByKind({ matrix, states }: SparseHeatMap): Readonly<Record<EdgeKind, readonly number[]>> {
  const values: Record<EdgeKind, number[]> = { sequential: [], parallel: [], "long-range": [], recurrent: [] };
  for (const [row, line] of matrix.entries()) {
    for (const [column, value] of line.entries()) {
      if (Number.isNaN(value)) continue;
      values[edgeKind({ from: states?.[row] ?? row, to: states?.[column] ?? column })].push(value);
    }
  }
  return values;
}

const badHeatMap = (problem: string): GraftError =>
  new GraftError("BAD_HEAT_MAP", {
    thing: "a heat map",
    place: problem,
    remedy: "Pass an n×n matrix of finite numbers and edges between its states",
  });
