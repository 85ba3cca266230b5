import { edgeKind } from "../adapters/index.ts";
import { mean } from "../base/index.ts";
import { entriesOf } from "./entries.ts";
import type { Trial } from "./trial.ts";

export const factors = ["from", "to", "kind", "count", "rank", "learningRate", "initScale"] as const;
export type Factor = (typeof factors)[number];

/** How much one setting says about the metric. */
export interface FactorImportance {
  readonly factor: Factor;
  /** Share of the metric's variance, in [0, 1]. */
  readonly share: number;
  /** Its levels from low to high. `trials` counts a trial by the share of its edges that are of the level. */
  readonly levels: readonly { readonly label: string; readonly trials: number; readonly mean: number }[];
}

const BINS = 5;

/**
 * How much of the metric's variance each setting explains by itself: the adjusted R² of a least-squares fit on the shares
 * of a trial's edges (or the trial's own setting) that fall into each level. With one edge a trial that is η² of an
 * analysis of variance, corrected for its number of levels (ε², Kelley 1935), so that noise counts 0 on average. Numbers
 * of more than 5 values are cut into 5 levels of equal width, rates by their logarithm, state indices by 0 to states − 1.
 * What settings explain only together is not seen.
 * @param trials  of one task; complete ones with adapters on edges count, baselines do not
 * @returns       the settings that vary, most important first; none where trials are fewer than levels need
 */
export function importance(trials: readonly Trial[], { states }: { readonly states: number }): FactorImportance[] {
  const rows = trials.flatMap((trial) => rowOf(trial));
  const metric = rows.map((row) => row.metric);
  return factors
    .flatMap((factor) => {
      const levels = levelsOf(
        factor,
        rows.map((row) => row.settings[factor]),
        states,
      );
      if (levels.length < 2) return [];
      const share = adjustedR2(
        levels.map(({ shares }) => shares),
        metric,
      );
      if (share === undefined) return [];
      const described = levels.map(({ label, shares }) => {
        const count = shares.reduce((sum, value) => sum + value, 0);
        return { label, trials: count, mean: shares.reduce((sum, value, k) => sum + value * metric[k]!, 0) / count };
      });
      return [{ factor, share, levels: described }];
    })
    .toSorted((a, b) => b.share - a.share);
}

/** A trial as what it says of each factor: one value, or one for each of its edges. */
interface Row {
  readonly metric: number;
  readonly settings: Readonly<Record<Factor, readonly (number | string)[]>>;
}

function rowOf({ candidate, origin, values }: Trial): Row[] {
  const entries = entriesOf(candidate.method);
  if (origin === "baseline" || !values || !Number.isFinite(values.metric) || entries.length === 0) return [];
  const given = (value: number | undefined) => (value === undefined ? [] : [value]);
  const settings = {
    from: entries.map(({ from }) => from),
    to: entries.map(({ to }) => to),
    kind: entries.map(edgeKind),
    count: [entries.length],
    rank: given(entries[0]!.rank),
    learningRate: given(candidate.learningRate),
    initScale: given(candidate.initScale),
  };
  return [{ metric: values.metric, settings }];
}

interface Level {
  readonly label: string;
  /** [rows] */
  readonly shares: readonly number[];
}

function levelsOf(factor: Factor, values: Row["settings"][Factor][], states: number): Level[] {
  if (values.some((list) => list.length === 0)) return []; // not every trial says it
  const nameOf = namer(factor, values.flat(), states);
  const order = [
    ...new Set(
      values
        .flat()
        .toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))
        .map(nameOf),
    ),
  ];
  return order.map((label) => ({
    label,
    shares: values.map((list) => list.filter((value) => nameOf(value) === label).length / list.length),
  }));
}

/** What the level of a value is called. */
function namer(
  factor: Factor,
  values: readonly (number | string)[],
  states: number,
): (value: number | string) => string {
  const distinct = new Set(values);
  if (factor === "kind" || distinct.size <= BINS) return String;
  const isRate = factor === "learningRate" || factor === "initScale";
  const isState = factor === "from" || factor === "to";
  const scale = (value: number) => (isRate ? Math.log(value) : value);
  const numbers = [...distinct].map(Number);
  const low = scale(isState ? 0 : Math.min(...numbers));
  const high = scale(isState ? states - 1 : Math.max(...numbers));
  const binOf = (value: number) => Math.min(BINS - 1, Math.floor((BINS * (scale(value) - low)) / (high - low)));
  const labels = Array.from({ length: BINS }, (_, bin) => {
    const inside = numbers.filter((value) => binOf(value) === bin).toSorted((a, b) => a - b);
    return inside.length > 1 ? `${inside[0]}–${inside.at(-1)}` : `${inside[0]}`;
  });
  return (value) => labels[binOf(Number(value))]!;
}

/**
 * 1 − (1 − R²) (N − 1) / (N − k − 1), at least 0, where the columns and a constant fit y with R² and k of them are
 * independent. R² by Gram–Schmidt: the centred columns made orthogonal, and y's share along them.
 */
function adjustedR2(columns: readonly (readonly number[])[], y: readonly number[]): number | undefined {
  const target = centred(y);
  const total = dot(target, target);
  const basis: number[][] = [];
  for (const column of columns) {
    const start = centred(column);
    let rest = start;
    for (const unit of basis) {
      const along = dot(rest, unit);
      rest = rest.map((value, k) => value - along * unit[k]!);
    }
    const length = Math.sqrt(dot(rest, rest));
    if (length > 1e-9 * Math.sqrt(dot(start, start))) basis.push(rest.map((value) => value / length));
  }
  const free = y.length - basis.length - 1;
  if (free < 1 || !(total > 0)) return;
  const explained = basis.reduce((sum, unit) => sum + dot(target, unit) ** 2, 0) / total;
  return Math.max(0, 1 - ((1 - explained) * (y.length - 1)) / free);
}

function centred(values: readonly number[]): number[] {
  const centre = mean(values);
  return values.map((value) => value - centre);
}

const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, value, k) => sum + value * b[k]!, 0);
