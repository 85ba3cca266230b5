import { mean, median, type PairedDifference, pairedInterval, quantile } from "../../base/index.ts";
import type { Trial } from "../trial.ts";
import { baselineMean, best, meanOf, rowsOf } from "./rows.ts";
import { type Bounded, difference, isAbove, isBelow, points, type Verdict } from "./verdict.ts";

/** Experiment 4: draws of as many edges as there are places, as a distribution. */
export interface RandomResult {
  readonly tasks: readonly RandomOfTask[];
  readonly verdicts: readonly Verdict[];
}

export interface RandomOfTask {
  readonly task: string;
  /** Measured metric of each draw. */
  readonly draws: readonly number[];
  readonly median: number;
  /** Of the median: order statistics, 95 % at least, of whatever distribution. */
  readonly interval: Bounded;
  readonly quartiles: readonly [number, number];
  readonly all: number | undefined;
  readonly head: number | undefined;
  /** Share of the draws that measured higher than an adapter at every place. */
  readonly above: number | undefined;
  /** The draw that validation chose, and what it measured. */
  readonly best: { readonly method: string; readonly validation: number; readonly measured: number } | undefined;
  /** On the test split, met once: the chosen draw minus an adapter at every place, paired over seeds. */
  readonly test: (PairedDifference & { readonly best: number; readonly all: number }) | undefined;
}

/** A training that met the test split. */
export interface TestRun {
  readonly task: string;
  readonly method: string;
  readonly seed: number;
  readonly validation: number;
  readonly test: number;
  readonly seconds: number;
}

/** @param all  the baseline with an adapter at every place, as the study names it */
export function analyseRandom(
  trials: readonly Trial[],
  tasks: readonly string[],
  all: string,
  tested: readonly TestRun[] = [],
): RandomResult {
  const results = tasks.map((task) => ofTask(trials, task, all, tested));
  return { tasks: results, verdicts: [usualIsGood(results, all), bestIsBetter(results, all)] };
}

/** The draw that validation chose for a task. */
export function chosenDraw(trials: readonly Trial[], task: string): string | undefined {
  return best(drawsIn(trials, task), "validation")?.method;
}

const drawsIn = (trials: readonly Trial[], task: string) =>
  rowsOf(trials, task).filter(({ isBaseline }) => !isBaseline);

function ofTask(trials: readonly Trial[], task: string, all: string, tested: readonly TestRun[]): RandomOfTask {
  const [rows, found] = [rowsOf(trials, task), drawsIn(trials, task)];
  const draws = found.map(({ measured }) => meanOf(measured));
  const [ofAll, chosen] = [baselineMean(rows, all), best(found, "validation")];
  return {
    task,
    draws,
    median: median(draws),
    interval: medianInterval(draws),
    quartiles: [quantile(draws, 0.25), quantile(draws, 0.75)],
    all: ofAll,
    head: baselineMean(rows, "none"),
    above: ofAll === undefined ? undefined : draws.filter((value) => value > ofAll).length / draws.length,
    best: chosen && {
      method: chosen.method,
      validation: meanOf(chosen.validation),
      measured: meanOf(chosen.measured),
    },
    test: chosen && testOf(tested, task, chosen.method, all),
  };
}

function testOf(tested: readonly TestRun[], task: string, chosen: string, all: string): RandomOfTask["test"] {
  const of = (method: string, seed: number) =>
    tested.find((run) => run.task === task && run.method === method && run.seed === seed)?.test;
  const pairs = [...new Set(tested.map(({ seed }) => seed))].flatMap((seed) => {
    const [ours, theirs] = [of(chosen, seed), of(all, seed)];
    return ours === undefined || theirs === undefined ? [] : [[ours, theirs] as const];
  });
  if (pairs.length === 0) return undefined;
  const [ours, theirs] = [pairs.map(([first]) => first), pairs.map(([, second]) => second)];
  return { ...pairedInterval(ours.map((value, k) => value - theirs[k]!)), best: mean(ours), all: mean(theirs) };
}

/**
 * The k-th smallest and the k-th largest value, k the largest for which the median of the distribution lies between them with 95 %
 * or more: P(Binomial(n, ½) < k) ≤ 2.5 %. Undefined for fewer than six values.
 */
export function medianInterval(values: readonly number[]): Bounded {
  const sorted = values.toSorted((a, b) => a - b);
  const n = sorted.length;
  let [k, below, term] = [0, 0, 0.5 ** n]; // term: P(Binomial = k)
  while (below + term <= 0.025) {
    below += term;
    k++;
    term *= (n - k + 1) / k;
  }
  return k === 0 ? { low: undefined, high: undefined } : { low: sorted[k - 1], high: sorted[n - k] };
}

/** A point of % is about the standard error of 2,000 images. */
const LEVEL = 0.01;

function usualIsGood(tasks: readonly RandomOfTask[], all: string): Verdict {
  const known = tasks.filter((task) => task.all !== undefined && task.interval.low !== undefined);
  const good = known.filter((task) => isAbove(task.interval, task.all! - LEVEL));
  const bad = known.filter((task) => isBelow(task.interval, task.all! - LEVEL));
  return {
    claim: "Even usual random draws do as well as an adapter at every place",
    rule: `The interval of the draws' median against ${all} less 1 point: confirmed if above on every task, not confirmed if below on every task`,
    outcome:
      known.length < tasks.length || tasks.length === 0
        ? "unclear"
        : good.length === tasks.length
          ? "confirmed"
          : bad.length === tasks.length
            ? "not confirmed"
            : "unclear",
    because: tasks
      .map(({ task, median: middle, interval: { low, high }, all: value, draws, above }) =>
        value === undefined || draws.length === 0
          ? `${task}: not measured`
          : `${task}: median of ${draws.length} ${points(middle)}${low === undefined ? "" : ` [${points(low)}, ${points(high!)}]`} against ${points(value)}, ${(100 * above!).toFixed(0)} % of the draws above`,
      )
      .join("; "),
  };
}

function bestIsBetter(tasks: readonly RandomOfTask[], all: string): Verdict {
  const known = tasks.flatMap(({ test }) => (test?.low === undefined ? [] : [test]));
  const [better, worse] = [known.filter((test) => isAbove(test)), known.filter((test) => isBelow(test))];
  const isKnown = tasks.length > 0 && known.length === tasks.length;
  return {
    claim:
      "The best of the draws beats an adapter at every place (on 5 of the paper's 7 tasks; chosen on the test split there)",
    rule: `The draw that validation chose against ${all} on the test split, met once, paired over seeds: confirmed if the interval lies above 0 on half of the tasks or more, not confirmed if it lies above 0 on none and below on some`,
    outcome:
      isKnown && 2 * better.length >= tasks.length
        ? "confirmed"
        : isKnown && better.length === 0 && worse.length > 0
          ? "not confirmed"
          : "unclear",
    because: tasks
      .map(({ task, test, best: chosen }) => {
        if (test !== undefined)
          return `${task}: ${points(test.best)} against ${points(test.all)}, ${difference(test)}, ${test.pairs} seeds`;
        return chosen === undefined
          ? `${task}: not measured`
          : `${task}: measured ${points(chosen.measured)} on the images kept for it, not tested yet`;
      })
      .join("; "),
  };
}
