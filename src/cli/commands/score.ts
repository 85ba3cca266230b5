import * as z from "zod";
import { fileCheckpoint } from "../../artifact/index.node.ts";
import { findSites } from "../../methods/index.ts";
import { type Backbone, GraftError, scoreEdges, select } from "../../node.ts";
import { colorDepthOf, heatMapSvg, heatMapTerminal, mapPage, terminalTable } from "../../report/index.ts";
import {
  bestSites,
  checkSiteCount,
  commonStates,
  compareScores,
  DEFAULT_ETA,
  DEFAULT_SCORE,
  estimateScoring,
  describeScores as listScores,
  type ParsedScores,
  parseScores,
  type Scores,
  type ScoringEstimate,
  type SiteScores,
  scoreNames,
  scoreSites,
  scoringPasses,
} from "../../scoring/index.ts";
import { chooserOf, parseSelector } from "../../selection/index.ts";
import { coarseArgs, coarsePass, commonArgs, dataArgs, modelArgs, placementArgs, seedArgs } from "../arguments.ts";
import { type CommandContext, defineCommand } from "../define-command.ts";
import { describeEstimate, describeScores, describeSites } from "../describe-scores.ts";
import { checkData, type DataArgs, openData, openModel } from "../open.ts";
import { openPicture, pictureArgs } from "../picture.ts";
import { readHead } from "../read-head.ts";
import { readJson } from "../read-json.ts";
import { comparisonLines, differenceMap } from "../score-comparison.ts";
import { scoredMap } from "../scored-map.ts";

const shape = {
  ...modelArgs,
  ...dataArgs,
  score: z
    .enum(scoreNames)
    .default(DEFAULT_SCORE)
    .meta({ description: "which number, as --list explains them", value: "name" }),
  sites: z.enum(["lora"]).optional().describe("score the model's frozen products, where LoRA may go, instead of edges"),
  top: z
    .int()
    .min(1)
    .default(4)
    .meta({ description: "with --sites: on how many of the best LoRA is placed", value: "n" }),
  list: z.boolean().default(false).describe("explain every score, with its source, and score nothing"),
  examples: z
    .int()
    .min(1)
    .optional()
    .meta({ description: "probe examples (default: the smaller of half the training split and 2d)", value: "n" }),
  eta: z.number().gt(0).lt(1).default(DEFAULT_ETA).meta({ description: "share of the singular values srank drops" }),
  head: z.string().min(1).default("fitted").meta({
    description: "head whose loss is differentiated: fitted, random, zero (one step from 0), or a file",
    value: "head",
  }),
  confidence: z
    .boolean()
    .default(false)
    .describe("say how sure the ranking is, from scores of halves of the probe: several times as long"),
  stride: z
    .int()
    .min(1)
    .default(1)
    .meta({ description: "score only edges between every k-th states, on both sides", value: "k" }),
  dryRun: z.boolean().default(false).describe("say how long scoring would take on this machine; score nothing"),
  checkpoint: z.string().min(1).optional().meta({
    description: "keep finished columns in a file; the same command goes on from it",
    value: "file",
  }),
  scores: z
    .string()
    .optional()
    .meta({ description: "show these, what `graft score --json` printed, instead of scoring", value: "file" }),
  against: z.string().optional().meta({
    description: "compare with these: Spearman's ρ, the best edges shared, a map of differences",
    value: "file",
  }),
  ...placementArgs,
  ...coarseArgs,
  ...pictureArgs("the heat map, or with --against that of differences"),
  ...seedArgs,
  ...commonArgs,
};

type ScoreContext = CommandContext<z.output<z.ZodObject<typeof shape>>>;

export const score = defineCommand({
  args: shape,
  examples: [
    "graft score --task count",
    "graft score --task count --score frobenius",
    "graft score --task count --confidence",
    "graft score --task count --stride 3 --checkpoint scores.part",
    "graft score --model ./vit --data ./photos --dry-run",
    "graft score --model ./vit --data ./photos --coarse --place gga:5",
    "graft score --task count --sites lora --score page",
    "graft score --list",
    "graft score --model ./vit --data ./photos --json > scores.json",
    "graft score --scores scores.json --against other.json --picture difference.html",
  ],
  async run(context) {
    const { args, print, note } = context;
    if (args.list) return print({ type: "scores", scores: listScores() }, scoreList);
    if (args.sites) return print(await scoreLora(context), describeSites);
    coarsePass(args);
    if (args.dryRun) return print({ type: "dry-run", ...(await estimateNow(context)) }, describeEstimate);
    const picture = await openPicture(args);
    const other = args.against === undefined ? undefined : parseScores(readJson(args.against), args.against);
    const scores = args.scores === undefined ? await scoreNow(context, other) : savedScores(args, args.scores);
    const comparison = other && compareScores(scores, other, { seed: args.seed });
    const compared = other && comparison && { scores, other, file: args.against!, comparison };
    const difference = compared && { lines: comparisonLines(compared), map: differenceMap(compared) };
    const { scoreName, matrix } = scores;
    const states = matrix.length;
    const { edges: chosen, placement } = select(args.place, { states, scores, seed: args.seed });
    const of = scores.task === undefined ? "" : ` on ${scores.task}`;
    const title = `${titleOf(scoreName)} of each edge${of}, ${args.place} marked`;
    const map = scoredMap({ matrix, scoreName, title, chosen }, scores);
    if (picture) {
      const arcs = { states, scoreName, arcs: placement.map((edge, k) => ({ ...edge, score: chosen[k]?.score })) };
      await picture({
        svg: (theme) => heatMapSvg(difference?.map ?? map, { theme }),
        page: (program) => mapPage({ map, arcs, facts: describeScores(scores), comparison: difference }, program),
      });
      note(`wrote ${args.picture}`);
    }
    print({ ...scores, ...(comparison && { comparison }) }, () => {
      const look = { color: colorDepthOf(process.stdout, process.env), columns: process.stdout.columns ?? 80 };
      const shown = heatMapTerminal(difference?.map ?? map, look);
      return [shown, ...(difference?.lines ?? []), ...describeScores(scores)].join("\n");
    });
  },
});

/** What cannot be done with the scores is refused before the work. @param other what they will be compared with */
async function scoreNow(context: ScoreContext, other: ParsedScores | undefined): Promise<Scores> {
  const { confidence, stride, checkpoint, place, seed } = context.args;
  const coarse = coarsePass(context.args);
  parseSelector(place); // before a model is opened
  const { backbone, task, options } = await openScoring(context, ({ states }) => {
    checkPlace(place, states.length, context.args);
    if (other) commonStates({ states: states.length, stride }, { states: other.matrix.length, stride: other.stride });
  });
  const choose = coarse && chooserOf(place, { states: backbone.states.length, seed });
  const asked = { ...options, confidence, stride, coarse };
  if (scoringPasses(backbone, asked) > 1) {
    context.note(describeEstimate(await estimateScoring(backbone, task, asked)));
    if (checkpoint === undefined)
      context.note("with --checkpoint FILE the same command would go on where it was stopped");
  }
  return scoreEdges(backbone, task, {
    ...options,
    confidence,
    stride,
    ...(choose && { coarse: { ...coarse, choose } }),
    ...(checkpoint !== undefined && { checkpoint: fileCheckpoint(checkpoint) }),
  });
}

/** What scoring would take, which is not done. */
async function estimateNow(context: ScoreContext): Promise<ScoringEstimate> {
  const { args } = context;
  if (args.scores !== undefined)
    throw new GraftError("USAGE", {
      thing: "--dry-run",
      place: `it says how long scoring takes, and --scores ${args.scores} has scores`,
      remedy: "Leave one of them out",
    });
  const { backbone, task, options } = await openScoring(context);
  const { confidence, stride } = args;
  return estimateScoring(backbone, task, { ...options, confidence, stride, coarse: coarsePass(args) });
}

/** Scores of LoRA's sites, and the method that goes beside the best. */
async function scoreLora(context: ScoreContext): Promise<SiteScores & { readonly method: string }> {
  const { args } = context;
  checkSuitsSites(args);
  const { backbone, task, options } = await openScoring(context, (backbone) =>
    checkSiteCount(args.top, findSites(backbone, ["all"]).length),
  );
  const found = await scoreSites(backbone, task, options);
  return { ...found, method: `lora:${bestSites(found, args.top).join(",")}` };
}

/** Throws USAGE for what is asked of edges beside `--sites`. */
function checkSuitsSites(args: ScoreContext["args"]): void {
  const given = {
    scores: args.scores !== undefined,
    against: args.against !== undefined,
    picture: args.picture !== undefined,
    checkpoint: args.checkpoint !== undefined,
    stride: args.stride !== 1,
    confidence: args.confidence,
    coarse: coarsePass(args) !== undefined,
    "dry-run": args.dryRun,
  };
  const [unsuited] = Object.entries(given).find(([, isGiven]) => isGiven) ?? [];
  if (unsuited === undefined) return;
  throw new GraftError("USAGE", {
    thing: `--${unsuited}`,
    place: "it is about edges, and --sites scores products",
    remedy: "Leave one of them out",
  });
}

/** Choose among edges that are all alike: a placement that scores of these states cannot make is refused before they are made. */
function checkPlace(
  place: string,
  states: number,
  { stride, seed }: Pick<ScoreContext["args"], "stride" | "seed">,
): void {
  const matrix = Array.from({ length: states }, () => new Array<number>(states).fill(0));
  select(place, { states, scores: { matrix, stride }, seed });
}

async function openScoring(context: ScoreContext, check: (backbone: Backbone) => void = () => {}) {
  const { args, signal, onProgress } = context;
  checkData(args);
  const head = isHeadName(args.head) ? args.head : await readHead(args.head);
  const backbone = await openModel(args, context);
  check(backbone);
  const task = await openData(args, backbone, context);
  const { score, examples, eta, seed, threads } = args;
  return { backbone, task, options: { score, eta, head, seed, signal, onProgress, examples, threads } };
}

/** Scores of a file. They are what they are: data named beside them would not be looked at. */
function savedScores({ task, data }: DataArgs, file: string): ParsedScores {
  if (task !== undefined || data !== undefined)
    throw new GraftError("USAGE", {
      thing: "the scores",
      place: `both --scores and --${task === undefined ? "data" : "task"} are given`,
      remedy: "Give --scores FILE to show saved scores, or data to score now",
    });
  return parseScores(readJson(file), file);
}

/** The paper's score needs no name. */
const titleOf = (score: string) => (score === DEFAULT_SCORE ? "gradient rank" : score);

const isHeadName = (text: string): text is "fitted" | "random" | "zero" =>
  text === "fitted" || text === "random" || text === "zero";

/** One line each: its name, what it is, where it comes from. */
const scoreList = ({ scores }: { readonly scores: ReturnType<typeof listScores> }): string =>
  terminalTable({
    columns: [{ title: "score" }, { title: "what it is" }, { title: "from" }],
    rows: scores.map(({ name, summary, source }) => [name, summary, source]),
  });
