import type { Latency } from "../artifact/index.ts";
import { GraftError, mean, median, type PairedDifference, pairedInterval, standardDeviation } from "../base/index.ts";
import { isHigher, meanInterval } from "../objective/index.ts";
import { randomLike, withControls } from "./method-list.ts";
import { isDrawn, type Job, type MethodRun, NEIGHBOURS } from "./method-run.ts";

export interface CompareMethodsOptions<Run extends MethodRun> {
  /** In the `--method` language, or `knn`: nearest neighbours on frozen features. */
  readonly methods: readonly string[];
  /** Default 0, 1 and 2. Runs of one seed share data, order and start, so that differences are paired. */
  readonly seeds?: readonly number[];
  /** The method that others are compared with; default `linear`. It joins the list if it is not in it. */
  readonly reference?: string;
  /**
   * Learning rates tried for each method: factors √10 apart around its own, on validation, with the first seed; default 1,
   * its own alone. What trains nothing by steps (`linear`, `knn`, `none`) has none.
   */
  readonly trials?: number;
  /** Draws of a `random` row for each seed, averaged; default 1. */
  readonly draws?: number;
  /** Does a job: `localRuns` in this process. */
  readonly run: (job: Job) => Promise<Run>;
  /** Runs of an earlier call, which are not done again. */
  readonly finished?: readonly Run[];
  /** Called for every run that was done now, with its place among all. */
  readonly onRun?: (run: Run, place: RunPlace) => void | Promise<void>;
  /** Called when all runs of a method are done; differences come at the end. */
  readonly onRow?: (row: ComparisonRow<Run>) => void;
}

/** Which of all runs one is, from 1 on; those of an earlier call count. */
export interface RunPlace {
  readonly at: number;
  readonly of: number;
}

/** One method: means over its runs. */
export interface ComparisonRow<Run extends MethodRun = MethodRun> {
  readonly method: string;
  readonly runs: readonly Run[];
  /** The trainings that chose the learning rate. */
  readonly trials: readonly Run[];
  /** Undefined where nothing is trained by steps. */
  readonly learningRate: number | undefined;
  readonly validation: number;
  readonly test: number;
  /** Sample standard deviations over seeds, or where there is one seed over draws; undefined for one value. */
  readonly validationStd: number | undefined;
  readonly testStd: number | undefined;
  /** Of the metric on test to the reference's, with a 95 % interval; undefined for the reference itself. */
  readonly difference: PairedDifference | undefined;
  readonly trainableParameters: number;
  /** Mean of a run: fit of the head, scoring where it is needed, training. */
  readonly seconds: number;
  /** Of all trials together. */
  readonly tuningSeconds: number;
  /** Most resident memory in any of the runs, bytes. */
  readonly peakMemoryBytes: number | undefined;
  /** Of the exported model, bytes; undefined for neighbours, which have none, or where it was not measured. */
  readonly fileBytes: number | undefined;
  /** Medians over the runs. */
  readonly latency: Pick<Latency, "tunedMs" | "baseMs" | "ratio"> | undefined;
  /** Against as many random edges; undefined where the list has none, or fewer than 10 draws of them. */
  readonly againstRandom: RandomBand | undefined;
  /** Where a run failed the figures are NaN, and this says why. */
  readonly failure: string | undefined;
}

/** Random placements that a row was held against. */
export interface RandomBand {
  readonly draws: number;
  /**
   * (1 + draws that did as well on the test of their seed, or better) / (1 + draws): how likely a random placement is to do as
   * well. Below 0.05 takes 19 draws at least.
   */
  readonly p: number;
}

export interface Comparison<Run extends MethodRun = MethodRun> {
  readonly rows: readonly ComparisonRow<Run>[];
  readonly reference: string;
  readonly seeds: readonly number[];
  readonly trials: number;
  /** Methods that nobody asked for: the reference, and what placements by scores are measured against. */
  readonly added: readonly string[];
}

/**
 * Run methods over seeds on one task and say which is better, and how sure that is. Each method's learning rate is chosen on
 * validation, from as many trials for every method; test is met once by each method and seed. With two seeds or more the
 * interval of a difference is Student's over seeds; with one it is a bootstrap over test examples (docs/compare.md).
 * @throws GraftError METHODS where every learning rate of a method failed, and what `run` throws
 */
export async function compareMethods<Run extends MethodRun>(
  options: CompareMethodsOptions<Run>,
): Promise<Comparison<Run>> {
  const { seeds = [0, 1, 2], reference = "linear", trials = 1, draws = 1, run, onRun, onRow } = options;
  const { methods, added } = withControls(options.methods, reference);
  const known = new Map((options.finished ?? []).map((done) => [jobKey(done), done]));
  const of = countJobs(methods, { seeds, trials, draws });
  let at = 0;
  const done = async (job: Job): Promise<Run> => {
    at++;
    const found = known.get(jobKey(job));
    if (found) return found;
    const made = await run(job);
    await onRun?.(made, { at, of });
    return made;
  };
  const rows: ComparisonRow<Run>[] = [];
  for (const method of methods) {
    const tried: Run[] = [];
    for (const rateFactor of factorsOf(method, trials))
      tried.push(await done({ method, seed: seeds[0]!, draw: 0, rateFactor, isTrial: true }));
    const rateFactor = best(method, tried)?.rateFactor ?? 1;
    const runs: Run[] = [];
    for (const seed of seeds)
      for (let draw = 0; draw < drawsOf(method, draws); draw++)
        runs.push(await done({ method, seed, draw, rateFactor, isTrial: false }));
    rows.push(rowOf(method, runs, tried, seeds));
    onRow?.(rows.at(-1)!);
  }
  const against = rows.find(({ method }) => method === reference)!;
  const compared = rows.map((row) => ({
    ...row,
    difference: row === against ? undefined : differenceOf(row, against, seeds),
    againstRandom: bandOf(row, rows),
  }));
  return { rows: compared, reference, seeds, trials, added };
}

/** What tells jobs apart. */
export const jobKey = ({ method, seed, draw, rateFactor, isTrial }: Job): string =>
  JSON.stringify([method, seed, draw, rateFactor, isTrial]);

/** How many trainings `compareMethods` makes of a list, tuning included. */
export const countJobs = (
  methods: readonly string[],
  { seeds, trials, draws = 1 }: { readonly seeds: readonly number[]; readonly trials: number; readonly draws?: number },
): number =>
  methods.reduce((sum, method) => sum + factorsOf(method, trials).length + seeds.length * drawsOf(method, draws), 0);

const drawsOf = (method: string, draws: number) => (isDrawn(method) ? draws : 1);

/** Multiples of a method's own learning rate, √10 apart, its own in the middle (of an even number, the larger middle one). */
function factorsOf(method: string, trials: number): readonly number[] {
  if (trials < 2 || ["linear", "none", NEIGHBOURS].includes(method)) return [];
  const middle = Math.floor(trials / 2);
  return Array.from({ length: trials }, (_, k) => Number((10 ** ((k - middle) / 2)).toPrecision(4)));
}

/** The trial that did best on validation; of equal ones that of lower loss. */
function best<Run extends MethodRun>(method: string, tried: readonly Run[]): Run | undefined {
  const fine = tried.filter(({ validation }) => validation !== undefined);
  if (tried.length > 0 && fine.length === 0)
    throw new GraftError("METHODS", {
      thing: `method ${method}`,
      place: `every learning rate that was tried failed (${tried.map(({ learningRate }) => learningRate).join(", ")}): ${tried[0]!.failure}`,
      remedy: "Lower --learning-rate, or leave the method out",
    });
  const isBetter = (a: Run, b: Run) =>
    isHigher(a.validation!.value, b.validation!.value) ||
    (!isHigher(b.validation!.value, a.validation!.value) && a.validation!.loss < b.validation!.loss);
  return fine.length === 0 ? undefined : fine.reduce((a, b) => (isBetter(b, a) ? b : a));
}

function rowOf<Run extends MethodRun>(
  method: string,
  runs: readonly Run[],
  trials: readonly Run[],
  seeds: readonly number[],
): ComparisonRow<Run> {
  const [validations, tests] = [valuesBySeed(runs, seeds, "validation"), valuesBySeed(runs, seeds, "test")];
  const spread = (which: "validation" | "test", bySeed: readonly number[]) => {
    const values = seeds.length > 1 ? bySeed : runs.map((run) => run[which]?.value ?? Number.NaN);
    return values.length > 1 ? standardDeviation(values) : undefined;
  };
  const latencies = runs.flatMap(({ latency }) => latency ?? []);
  const middle = (key: "baseMs" | "tunedMs" | "ratio") => median(latencies.map((latency) => latency[key]));
  return {
    method,
    runs,
    trials,
    learningRate: runs[0]!.learningRate,
    validation: mean(validations),
    test: mean(tests),
    validationStd: spread("validation", validations),
    testStd: spread("test", tests),
    difference: undefined,
    againstRandom: undefined,
    trainableParameters: Math.max(...runs.map((run) => run.trainableParameters)),
    seconds: mean(runs.map((run) => run.seconds)),
    tuningSeconds: trials.reduce((sum, trial) => sum + trial.seconds, 0),
    peakMemoryBytes: largest(runs.map((run) => run.peakMemoryBytes)),
    fileBytes: largest(runs.map((run) => run.fileBytes)),
    latency:
      latencies.length === 0
        ? undefined
        : { baseMs: middle("baseMs"), tunedMs: middle("tunedMs"), ratio: middle("ratio") },
    failure: runs.find((run) => run.failure !== undefined)?.failure,
  };
}

/** A seed's value is the mean of its draws; NaN where one failed. */
const valuesBySeed = (runs: readonly MethodRun[], seeds: readonly number[], which: "validation" | "test") =>
  seeds.map((seed) => mean(runs.filter((run) => run.seed === seed).map((run) => run[which]?.value ?? Number.NaN)));

function largest(values: readonly (number | undefined)[]): number | undefined {
  const found = values.filter((value) => value !== undefined);
  return found.length === 0 ? undefined : Math.max(...found);
}

function differenceOf(row: ComparisonRow, reference: ComparisonRow, seeds: readonly number[]): PairedDifference {
  const [ours, theirs] = [valuesBySeed(row.runs, seeds, "test"), valuesBySeed(reference.runs, seeds, "test")];
  const bySeed = pairedInterval(ours.map((value, k) => value - theirs[k]!));
  if (seeds.length > 1) return bySeed;
  const [scores, others] = [scoresOf(row), scoresOf(reference)];
  if (scores === undefined || others === undefined) return bySeed;
  const { low, high } = meanInterval(scores.map((score, k) => score - others[k]!)) ?? {};
  return { mean: bySeed.mean, low, high, pairs: scores.length };
}

/** Draws below which a share of them says little. */
const LEAST_DRAWS = 10;

function bandOf(row: ComparisonRow, rows: readonly ComparisonRow[]): RandomBand | undefined {
  const name = randomLike(row.method);
  const pairs = rows
    .filter(({ method }) => method === name)
    .flatMap(({ runs }) => runs)
    .flatMap(({ seed, test }) => {
      const ours = row.runs.find((run) => run.seed === seed)?.test;
      return test && ours ? [[ours.value, test.value] as const] : [];
    });
  if (pairs.length < LEAST_DRAWS) return undefined;
  const asGood = pairs.filter(([ours, theirs]) => !isHigher(ours, theirs)).length;
  return { draws: pairs.length, p: (1 + asGood) / (1 + pairs.length) };
}

/** A number for each test example, mean over draws. */
function scoresOf({ runs }: ComparisonRow): readonly number[] | undefined {
  const all = runs.map(({ testScores }) => testScores);
  if (all.some((scores) => scores === undefined)) return undefined;
  return all[0]!.map((_, k) => mean(all.map((scores) => scores![k]!)));
}
