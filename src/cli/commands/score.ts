import * as z from "zod";
import { scoreEdges, select } from "../../node.ts";
import { colorDepthOf, heatMapSvg, heatMapTerminal, mapPage, terminalTable } from "../../report/index.ts";
import { DEFAULT_ETA, DEFAULT_SCORE, describeScores as listScores, scoreNames } from "../../scoring/index.ts";
import { commonArgs, dataArgs, modelArgs, placementArgs, seedArgs } from "../arguments.ts";
import { defineCommand } from "../define-command.ts";
import { describeScores } from "../describe-scores.ts";
import { checkData, openData, openModel } from "../open.ts";
import { openPicture, pictureArgs } from "../picture.ts";
import { readHead } from "../read-head.ts";

export const score = defineCommand({
  args: {
    ...modelArgs,
    ...dataArgs,
    score: z.enum(scoreNames).default(DEFAULT_SCORE).describe("which number, as --list explains them"),
    list: z.boolean().default(false).describe("explain every score, with its source, and score nothing"),
    examples: z
      .int()
      .min(1)
      .optional()
      .meta({ description: "probe examples (default: the smaller of half the training split and 2d)", value: "n" }),
    eta: z.number().gt(0).lt(1).default(DEFAULT_ETA).meta({ description: "share of the singular values srank drops" }),
    head: z
      .string()
      .min(1)
      .default("fitted")
      .meta({ description: "head whose loss is differentiated: fitted, random, zero, or a file", value: "head" }),
    confidence: z
      .boolean()
      .default(false)
      .describe("say how sure the ranking is, from scores of halves of the probe: several times as long"),
    ...placementArgs,
    ...pictureArgs("the heat map"),
    ...seedArgs,
    ...commonArgs,
  },
  examples: [
    "graft score --task count",
    "graft score --task count --score frobenius",
    "graft score --task count --confidence",
    "graft score --list",
    "graft score --model ./vit --data ./photos --json > scores.json",
  ],
  async run(context) {
    const { args, signal, onProgress, print, note } = context;
    if (args.list) return print({ type: "scores", scores: listScores() }, scoreList);
    checkData(args);
    const picture = await openPicture(args);
    const head = isHeadName(args.head) ? args.head : await readHead(args.head);
    const backbone = await openModel(args, context);
    const task = await openData(args, backbone, context);
    const { score, examples, eta, seed, threads, confidence } = args;
    const scores = await scoreEdges(backbone, task, {
      score,
      eta,
      head,
      confidence,
      seed,
      signal,
      onProgress,
      ...(examples !== undefined && { examples }),
      ...(threads !== undefined && { threads }),
    });
    const { edges: chosen, placement } = select(args.place, { states: scores.matrix.length, scores, seed });
    const title = `${titleOf(score)} of each edge on ${task.name}, ${args.place} marked`;
    const map = { matrix: scores.matrix, scoreName: scores.scoreName, title, chosen };
    if (picture) {
      const arcs = placement.map((edge, k) => ({ ...edge, score: chosen[k]?.score }));
      const page = {
        map,
        arcs: { states: scores.matrix.length, arcs, title: args.place, scoreName: scores.scoreName },
      };
      await picture({
        svg: (theme) => heatMapSvg(map, { theme }),
        page: (program) => mapPage({ ...page, facts: describeScores(scores) }, program),
      });
      note(`wrote ${args.picture}`);
    }
    print(scores, () => {
      const color = colorDepthOf(process.stdout, process.env);
      return `${heatMapTerminal(map, { color, columns: process.stdout.columns ?? 80 })}\n${describeScores(scores).join("\n")}`;
    });
  },
});

/** The paper's score needs no name. */
const titleOf = (score: string) => (score === DEFAULT_SCORE ? "gradient rank" : score);

const isHeadName = (text: string) => text === "fitted" || text === "random" || text === "zero";

/** One line each: its name, what it is, where it comes from. */
const scoreList = ({ scores }: { readonly scores: ReturnType<typeof listScores> }): string =>
  terminalTable({
    columns: [{ title: "score" }, { title: "what it is" }, { title: "from" }],
    rows: scores.map(({ name, summary, source }) => [name, summary, source]),
  });
