import { mean, type PairedDifference, pairedInterval, standardDeviation } from "../../base/index.ts";
import type { Trial } from "../trial.ts";
import { isNumber, type Row, rowsOf } from "./rows.ts";
import { difference, isAbove, isBelow, type Verdict } from "./verdict.ts";

/** The paper's table of baselines. */
export interface BaselinesResult {
  readonly methods: readonly string[];
  readonly tasks: readonly { readonly task: string; readonly cells: readonly (BaselineCell | undefined)[] }[];
  readonly verdicts: readonly Verdict[];
}

/** A method on a task, one for each of `methods`. */
export interface BaselineCell {
  /** Mean over seeds; of random draws the mean over draws of a seed first. */
  readonly mean: number;
  readonly deviation: number | undefined;
  readonly seeds: number;
  /** Mean over seeds of the best draw, chosen by validation; of random draws alone. */
  readonly best: number | undefined;
  readonly bySeed: readonly (number | undefined)[];
}

/** The row of draws. */
export const DRAWS = "random";

/** @param all  the baseline with an adapter at every place, as the study names it */
export function analyseBaselines(trials: readonly Trial[], tasks: readonly string[], all: string): BaselinesResult {
  const named = trials.filter(({ origin }) => origin === "baseline").map(({ candidate }) => candidate.method);
  const hasDraws = trials.some(({ origin }) => origin !== "baseline");
  const methods = [...new Set(named), ...(hasDraws ? [DRAWS] : [])];
  const results = tasks.map((task) => {
    const rows = rowsOf(trials, task);
    return { task, cells: methods.map((method) => cellOf(rows, method)) };
  });
  const compare = (method: string, other: string) =>
    results.map(({ task, cells }) => {
      const [ours, theirs] = [cells[methods.indexOf(method)], cells[methods.indexOf(other)]];
      return { task, difference: ours && theirs && paired(ours, theirs) };
    });
  return {
    methods,
    tasks: results,
    verdicts: [
      verdict("One adapter at every place beats the linear head", all, "none", compare(all, "none")),
      verdict(
        "One adapter at every place beats full fine-tuning where data are few (the paper's three VTAB tasks)",
        all,
        "full",
        compare(all, "full"),
      ),
    ],
  };
}

function cellOf(rows: readonly Row[], method: string): BaselineCell | undefined {
  const found = rows.filter((row) => (method === DRAWS ? !row.isBaseline : row.isBaseline && row.method === method));
  const seeds = Math.max(0, ...found.map(({ measured }) => measured.length));
  const at = (seed: number) => found.filter(({ measured }) => isNumber(measured[seed]));
  const bySeed = Array.from({ length: seeds }, (_, seed) => {
    const values = at(seed).map(({ measured }) => measured[seed]!);
    return values.length === 0 ? undefined : mean(values);
  });
  const known = bySeed.filter(isNumber);
  if (known.length === 0) return undefined;
  const bests = bySeed.flatMap((_, seed) => {
    const chosen = at(seed).filter(({ validation }) => isNumber(validation[seed]));
    const byValidation = chosen.toSorted((a, b) => b.validation[seed]! - a.validation[seed]!);
    return byValidation.slice(0, 1).map(({ measured }) => measured[seed]!);
  });
  return {
    mean: mean(known),
    deviation: known.length < 2 ? undefined : standardDeviation(known),
    seeds: known.length,
    best: method === DRAWS ? mean(bests) : undefined,
    bySeed,
  };
}

function paired(ours: BaselineCell, theirs: BaselineCell): PairedDifference | undefined {
  const differences = ours.bySeed.flatMap((value, seed) => {
    const other = theirs.bySeed[seed];
    return isNumber(value) && isNumber(other) ? [value - other] : [];
  });
  return differences.length === 0 ? undefined : pairedInterval(differences);
}

function verdict(
  claim: string,
  method: string,
  other: string,
  compared: readonly { readonly task: string; readonly difference: PairedDifference | undefined }[],
): Verdict {
  const known = compared.flatMap(({ difference: found }) => (found?.low === undefined ? [] : [found]));
  const isKnown = compared.length > 0 && known.length === compared.length;
  const [above, below] = [known.filter((each) => isAbove(each)), known.filter((each) => isBelow(each))];
  return {
    claim,
    rule: `${method} minus ${other}, paired over seeds: confirmed if the interval lies above 0 on half of the tasks or more and below on none, not confirmed if it lies above 0 on none and below on some`,
    outcome:
      isKnown && 2 * above.length >= compared.length && below.length === 0
        ? "confirmed"
        : isKnown && above.length === 0 && below.length > 0
          ? "not confirmed"
          : "unclear",
    because: compared
      .map(({ task, difference: found }) => `${task}: ${found ? difference(found) : "not measured"}`)
      .join("; "),
  };
}
