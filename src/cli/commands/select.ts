import * as z from "zod";
import { formatPlacement } from "../../adapters/index.ts";
import { parseScores } from "../../scoring/index.ts";
import { DEFAULT_GAMMA, type Selection, select as selectEdges } from "../../selection/index.ts";
import { commonArgs, placementArgs, seedArgs } from "../arguments.ts";
import { defineCommand } from "../define-command.ts";
import { readJson } from "../read-json.ts";

export const select = defineCommand({
  args: {
    scores: z.string().meta({ description: "what `graft score --json` printed; - reads it from stdin", value: "file" }),
    ...placementArgs,
    gamma: z
      .number()
      .default(DEFAULT_GAMMA)
      .meta({ description: "how far GGA's discount around a chosen edge reaches, in [0, 1)", value: "n" }),
    ...seedArgs,
    ...commonArgs,
  },
  examples: [
    "graft select --scores scores.json --place gga:5",
    "graft score --task count --json | graft select --scores -",
  ],
  run({ args, print }) {
    const scores = parseScores(readJson(args.scores), args.scores);
    const { gamma, seed } = args;
    const selection = selectEdges(args.place, { states: scores.matrix.length, scores, gamma, seed });
    const { edges, ties, placement } = selection;
    print({ edges, placement: formatPlacement(placement), ties }, () => selectionText(selection, scores.scoreName));
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
