import * as z from "zod";
import { formatPlacement } from "../../adapters/index.ts";
import { GraftError, type ParsedScores, TrainOptions } from "../../node.ts";
import { arcDiagramSvg, type HeatMap, mapPage, type SparseHeatMap } from "../../report/index.ts";
import { DEFAULT_SCORE } from "../../scoring/index.ts";
import { DEFAULT_GAMMA, type Selection } from "../../selection/index.ts";
import {
  adapterArgs,
  adapterOptions,
  argsOf,
  coarseArgs,
  commonArgs,
  dataArgs,
  limitArgs,
  modelArgs,
  pick,
  placementArgs,
  seedArgs,
  selectingArgs,
} from "../arguments.ts";
import { chooseEdges } from "../choose-edges.ts";
import { defineCommand } from "../define-command.ts";
import { describeBudget } from "../describe-choice.ts";
import { inGroup } from "../flags.ts";
import { openPicture, pictureArgs } from "../picture.ts";
import { scoredMap } from "../scored-map.ts";

const shape = {
  ...inGroup("Placement", {
    scores: z.string().optional().meta({
      description: "what `graft score --json` printed; - reads it from stdin (default: score now)",
      value: "file",
    }),
  }),
  ...placementArgs,
  ...coarseArgs,
  ...inGroup("Placement", {
    gamma: z
      .number()
      .default(DEFAULT_GAMMA)
      .meta({ description: "how far GGA's discount around a chosen edge reaches, in [0, 1)", value: "n" }),
  }),
  ...limitArgs,
  ...selectingArgs,
  ...modelArgs,
  ...dataArgs,
  ...adapterArgs,
  ...inGroup("Training", argsOf(TrainOptions)),
  threads: modelArgs.threads,
  ...pictureArgs("the placement on the backbone, an arc for each adapter"),
  ...seedArgs,
  ...commonArgs,
};

export const select = defineCommand({
  args: shape,
  examples: [
    "graft select --scores scores.json --place gga:5",
    "graft select --scores scores.json --place gga:5 --max-latency 1.3 --model ./vit",
    "graft select --scores scores.json --place gga:5 --picture placement.svg",
    "graft select --task count --place greedy:3",
    "graft select --model ./vit --data ./photos --place gga:5 --coarse",
    "graft score --task count --json | graft select --scores -",
  ],
  async run(context) {
    const { args, print, note } = context;
    const picture = await openPicture(args);
    const call = { args, adapter: adapterOptions(args), options: pick(TrainOptions, args) };
    const { selection, states, scores, ...rest } = await chooseEdges(context, call);
    const { edges, ties, placement, cost, unfilled, curve } = selection;
    const { scoreName = scores?.scoreName ?? DEFAULT_SCORE } = selection;
    const taskName = scores?.task;
    for (const text of describeBudget(selection)) note(text);
    if (picture) {
      const arcs = placement.map((edge, k) => ({ ...edge, score: edges[k]?.score }));
      const by = isScored(selection) ? ` by ${scoreName}` : "";
      const title = `${args.place}${by}${taskName === undefined ? "" : ` on ${taskName}`}`;
      const arcDiagram = { states, arcs, title, scoreName };
      await picture({
        svg: (theme) => arcDiagramSvg(arcDiagram, { theme }),
        page: (program) => mapPage({ map: mapOf(scores, { title, chosen: edges }), arcs: arcDiagram }, program),
      });
      note(`wrote ${args.picture}`);
    }
    print({ edges, placement: formatPlacement(placement), ties, cost, unfilled, curve, ...rest }, () =>
      selectionText(selection, scoreName),
    );
  },
});

/** A page shows every edge's score. Throws BAD_PICTURE without scores. */
function mapOf(scores: ParsedScores | undefined, more: Pick<HeatMap, "title" | "chosen">): SparseHeatMap {
  if (scores) return scoredMap({ matrix: scores.matrix, scoreName: scores.scoreName, ...more }, scores);
  throw new GraftError("BAD_PICTURE", {
    thing: "a page of this placement",
    place: "it shows the scores of all edges, and these were chosen without",
    remedy: "Give --scores FILE, or name a picture that ends in .svg or .png",
  });
}

const isScored = ({ edges }: Selection): boolean => edges.some(({ score }) => score !== undefined);

/** One line per edge in the order they were chosen, and the placement as `--place` takes it. */
function selectionText(selection: Selection, scoreName: string): string {
  const { edges, placement, ties } = selection;
  const hasScores = isScored(selection);
  const rows = [
    ["from", "to", "kind", ...(hasScores ? [scoreName] : [])],
    ...edges.map(({ from, to, kind, score }) => [
      ...[`${from}`, `${to}`, kind],
      ...(hasScores ? [score === undefined ? "" : `${Number(score.toPrecision(6))}`] : []),
    ]),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padStart(widths[column]!))
      .join("  ")
      .trimEnd(),
  );
  const drawn = ties.drawn === 0 ? [] : ["", `${ties.drawn} of the picks were ties that only a draw decided`];
  return [...lines, ...drawn, "", `--place ${formatPlacement(placement)}`].join("\n");
}
