import type { Backbone } from "../backbone/index.ts";
import type { LongCall } from "../base/index.ts";
import { headWidth } from "../methods/index.ts";
import { outputLevel } from "../objective/index.ts";
import { outputNames, type Task } from "../tasks/index.ts";
import { extractFeatures, fitHead, type Head } from "../training/index.ts";
import { coarseColumns } from "./coarse-pass.ts";
import { DEFAULT_GROUPS, groupSizes, halvesOf } from "./confidence.ts";
import { type EdgeColumn, edgeColumns, targetBlocks } from "./edge-gradients.ts";
import { isOfGradients, judge, type Wanted } from "./judge.ts";
import { checkExamples, defaultExamples, type ProbeOptions, probeOf, randomHead } from "./probe.ts";
import { probeBatch } from "./probe-pass.ts";
import type { CoarseOptions } from "./score-coarsely.ts";
import type { ScoreOptions } from "./score-edges.ts";
import { openScoreTools } from "./score-tools.ts";
import { DEFAULT_SCORE, scores } from "./scores/index.ts";
import { DEFAULT_ETA } from "./scores/srank.ts";
import { strided } from "./stride.ts";

export interface EstimateScoringOptions
  extends Omit<ScoreOptions, "coarse" | "checkpoint" | "after" | "headL2" | "eta"> {
  /** Of a coarse pass. */
  readonly coarse?: Pick<CoarseOptions, "columns"> | undefined;
  /** Seconds of a forward pass of one example, and of fitting the head, as `estimateTraining` measured them; default: timed here. */
  readonly forwardSeconds?: number;
  readonly headSeconds?: number;
  /** As `EdgeColumnsOptions`. */
  readonly blockBytes?: number;
}

/** What scoring would take. */
export interface ScoringEstimate {
  readonly seconds: number;
  /** Of the probe through the backbone, forward and backward: as many as there are blocks of gradients. 0 where no example is looked at. */
  readonly passes: number;
  /** Edges that get a score, and examples of the probe. */
  readonly edges: number;
  readonly examples: number;
}

/** Share of the edges that a coarse pass is taken to score exactly: for three edges a fifth to a half were (docs/experiments.md). */
const EXACT_SHARE = 1 / 3;

/** Passes of the probe that scoring every edge exactly takes. */
export const scoringPasses = (
  backbone: Backbone,
  {
    score = DEFAULT_SCORE,
    stride = 1,
    confidence = false,
    groups = DEFAULT_GROUPS,
    blockBytes,
  }: EstimateScoringOptions,
): number =>
  blocksOfScoring(strided(backbone, stride), { name: score, score: scores[score] }, confidence ? groups : 1, blockBytes)
    .length;

const blocksOfScoring = (backbone: Backbone, wanted: Wanted, groups: number, blockBytes: number | undefined) =>
  isOfGradients(wanted)
    ? targetBlocks(backbone, {
        groups,
        products: needsProducts(wanted),
        ...(blockBytes !== undefined && { blockBytes }),
      })
    : [];

const needsProducts = ({ score }: Wanted) => "ofSpectrum" in score || "ofGradient" in score;

/**
 * Estimate `scoreEdges` without doing it. Timed are two batches of the probe, as long as its longest text, towards the states of the first
 * block of gradients, each multiplied alone (for a coarse pass once more without the products), what is computed of the edges into one state, and a fit
 * of the head to a few examples.
 * @throws GraftError those of `scoreEdges` about its settings
 */
export async function estimateScoring(
  whole: Backbone,
  task: Task,
  options: EstimateScoringOptions = {},
): Promise<ScoringEstimate> {
  const { score = DEFAULT_SCORE, stride = 1, seed = 0, confidence = false, groups = DEFAULT_GROUPS } = options;
  const { examples = defaultExamples(task, whole), coarse } = options;
  const backbone = strided(whole, stride);
  const { hiddenSize: d } = backbone;
  const n = backbone.states.length;
  const wanted: Wanted = { name: score, score: scores[score] };
  const about = { edges: n * n, examples };
  if (!isOfGradients(wanted)) return { ...about, seconds: 0, passes: 0 };
  checkExamples(examples, task, options.head ?? "fitted");
  const { probe, rest } = probeOf(task, whole, seed, examples);
  const sizes = confidence ? groupSizes(examples, groups) : [examples];
  const boards = confidence ? 1 + halvesOf(groups).length : 1;
  const blocks = blocksOfScoring(backbone, wanted, sizes.length, options.blockBytes);
  const batches = sizes.reduce((sum, size) => sum + Math.ceil(size / probeBatch(backbone)), 0);
  const head = await secondsOfHead(whole, task, rest, options);
  const timing = { wanted, targets: blocks[0]!, products: needsProducts(wanted) };
  const exact = await timePass(backbone, task, probe, timing, options);
  const columns = n * boards * exact.column;
  if (!coarse) {
    const pass = exact.opening + batches * exact.batch;
    return { ...about, passes: blocks.length, seconds: head + blocks.length * pass + columns };
  }
  const bare = await timePass(backbone, task, probe, { ...timing, products: false }, options);
  const narrow = coarseColumns(backbone, coarse.columns) / d;
  const products = (batches * n * Math.max(0, exact.batch - bare.batch)) / timing.targets.length;
  const seconds =
    bare.opening +
    batches * bare.batch +
    (narrow ** 2 + EXACT_SHARE) * products +
    (narrow ** 3 + EXACT_SHARE) * columns;
  return { ...about, passes: 1, seconds: head + seconds };
}

interface PassTiming {
  readonly wanted: Wanted;
  readonly targets: readonly number[];
  readonly products: boolean;
}

/** Seconds of opening a pass, of one of its batches, and of what is computed of one column. */
async function timePass(
  backbone: Backbone,
  task: Task,
  probe: Uint32Array,
  { wanted, targets, products }: PassTiming,
  { seed = 0, threads, signal, onProgress }: LongCall & Pick<ProbeOptions, "seed" | "threads">,
) {
  const { train, goal } = task;
  const byLength = probe.slice();
  if (train.kind === "text") byLength.sort((a, b) => train.length(b) - train.length(a));
  const sample = byLength.slice(0, 2 * probeBatch(backbone));
  const outputs = outputNames(goal).length;
  const head: Head = outputs === 0 ? new Map() : randomHead([headWidth(backbone, goal), outputs], seed);
  const settings = { eta: DEFAULT_ETA, seed };
  const tools = await openScoreTools(backbone, [wanted], [sample.length], { threads, ...settings });
  const begun = performance.now();
  const times: number[] = [];
  let column = 0;
  const visit = async (found: EdgeColumn) => {
    if (!products && needsProducts(wanted)) return; // there are no gradients
    if (found.to !== targets[0]) return;
    const from = performance.now();
    judge(await tools.evidenceOf(found, found.to, [0], backbone.hiddenSize), [wanted], settings, () => "an edge");
    column = (performance.now() - from) / 1000;
  };
  await edgeColumns(backbone, task, sample, head, visit, {
    // One product a batch, or the second would hold both.
    ...{ threads, signal, targets, products, joins: false },
    onFactors: tools.add,
    onProgress(progress) {
      times.push(performance.now());
      onProgress?.({ ...progress, phase: "time gradients" });
    },
  }).finally(tools.close);
  // The first batch opens the graphs, too.
  const batch = (times.length > 1 ? times[1]! - times[0]! : times[0]! - begun) / 1000;
  return { batch, column, opening: Math.max(0, (times[0]! - begun) / 1000 - batch) };
}

/** Seconds until there is a head: features of the examples that are no probe, and a fit to them. */
async function secondsOfHead(
  backbone: Backbone,
  task: Task,
  rest: Uint32Array,
  options: EstimateScoringOptions,
): Promise<number> {
  const { head = "fitted", threads, signal, forwardSeconds, headSeconds } = options;
  const { goal, train } = task;
  if (outputLevel(goal) === "embedding" || !(head === "fitted" || head === "zero")) return 0;
  if (forwardSeconds !== undefined && headSeconds !== undefined) return rest.length * forwardSeconds + headSeconds;
  const steps = head === "zero" ? 1 : undefined;
  const time = async (count: number) => {
    const begun = performance.now();
    const features = await extractFeatures(backbone, goal, train, {
      indices: rest.subarray(0, count),
      threads,
      signal,
    });
    await fitHead(backbone.runtime, features, goal, { steps, threads, signal });
    return (performance.now() - begun) / 1000;
  };
  const few = Math.min(rest.length, probeBatch(backbone));
  const many = Math.min(rest.length, 3 * few);
  await time(few); // warms up
  const [short, long] = [await time(few), await time(many)];
  return many > few ? long + (Math.max(0, long - short) / (many - few)) * (rest.length - many) : long;
}
