import * as z from "zod";
import { formatPlacement } from "../../adapters/index.ts";
import { arcDiagramSvg, mapPage } from "../../report/index.ts";
import { parseScores } from "../../scoring/index.ts";
import { DEFAULT_GAMMA, openBudget, type Selection, select as selectEdges } from "../../selection/index.ts";
import {
  adapterArgs,
  adapterOptions,
  commonArgs,
  limitArgs,
  modelArgs,
  placementArgs,
  seedArgs,
} from "../arguments.ts";
import { defineCommand } from "../define-command.ts";
import { describeBudget } from "../describe-budget.ts";
import { openModel } from "../open.ts";
import { openPicture, pictureArgs } from "../picture.ts";
import { readJson } from "../read-json.ts";

export const select = defineCommand({
  args: {
    scores: z.string().meta({ description: "what `graft score --json` printed; - reads it from stdin", value: "file" }),
    ...placementArgs,
    gamma: z
      .number()
      .default(DEFAULT_GAMMA)
      .meta({ description: "how far GGA's discount around a chosen edge reaches, in [0, 1)", value: "n" }),
    ...limitArgs,
    ...modelArgs,
    ...adapterArgs,
    ...pictureArgs("the placement on the backbone, an arc for each adapter"),
    ...seedArgs,
    ...commonArgs,
  },
  examples: [
    "graft select --scores scores.json --place gga:5",
    "graft select --scores scores.json --place gga:5 --max-latency 1.3 --model ./vit",
    "graft select --scores scores.json --place gga:5 --picture placement.svg",
    "graft score --task count --json | graft select --scores -",
  ],
  async run(context) {
    const { args, print, note } = context;
    const scores = parseScores(readJson(args.scores), args.scores);
    const picture = await openPicture(args);
    const { gamma, seed, rank, maxParameters, maxLatency } = args;
    const isLimited = maxParameters !== undefined || maxLatency !== undefined;
    const backbone = isLimited ? await openModel(args, context) : undefined;
    const budget = backbone && (await openBudget(backbone, { maxParameters, maxLatency }, adapterOptions(args)));
    const states = backbone?.states.length ?? scores.matrix.length;
    const selection = selectEdges(args.place, { states, scores, gamma, seed, budget, defaultRank: rank });
    const { edges, ties, placement, cost, unfilled } = selection;
    for (const text of describeBudget(selection)) note(text);
    if (picture) {
      const arcs = placement.map((edge, k) => ({ ...edge, score: edges[k]?.score }));
      const title = `${args.place} by ${scores.scoreName}${scores.task === undefined ? "" : ` on ${scores.task}`}`;
      const { scoreName, matrix } = scores;
      const diagram = { states, arcs, title, scoreName };
      await picture({
        svg: (theme) => arcDiagramSvg(diagram, { theme }),
        page: (program) => mapPage({ map: { matrix, scoreName, title, chosen: edges }, arcs: diagram }, program),
      });
      note(`wrote ${args.picture}`);
    }
    print({ edges, placement: formatPlacement(placement), ties, cost, unfilled }, () =>
      selectionText(selection, scores.scoreName),
    );
  },
});

/** One line per edge in the order they were chosen, and the placement as `--place` takes it. */
function selectionText({ edges, placement, ties }: Selection, scoreName: string): string {
  const rows = [
    ["from", "to", "kind", scoreName],
    ...edges.map(({ from, to, kind, score = Number.NaN }) => [
      `${from}`,
      `${to}`,
      kind,
      `${Number(score.toPrecision(6))}`,
    ]),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) => row.map((cell, column) => cell.padStart(widths[column]!)).join("  "));
  const drawn = ties.drawn === 0 ? [] : ["", `${ties.drawn} of the picks were ties that only a draw decided`];
  return [...lines, ...drawn, "", `--place ${formatPlacement(placement)}`].join("\n");
}
