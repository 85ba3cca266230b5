import type { Correlation } from "../../base/index.ts";
import type { ScoreOfTask, ScoresResult } from "../../study/index.ts";
import type { Table } from "../table.ts";
import { interval, percent, table, two } from "./cells.ts";

/** What scores tell of edges, and what those they choose are worth. */
export function scoresTables({ tasks, choices }: ScoresResult): readonly { title: string; table: Table }[] {
  const names = [...new Set(tasks.flatMap(({ scores }) => scores.map(({ score }) => score)))];
  const rows = (of: (score: ScoreOfTask) => Correlation) =>
    names.map((name) => [
      name,
      ...tasks.map(({ scores }) => {
        const found = scores.find(({ score }) => score === name);
        return found ? interval(of(found).value, of(found), two) : "";
      }),
    ]);
  const columns = ["score", ...tasks.map(({ task }) => task)];
  const shares = names.map((name) => [
    name,
    ...tasks.map(({ scores }) => share(scores.find(({ score }) => score === name)?.placeShare)),
  ]);
  const correlations = [
    {
      title: "Rank correlation of scores with the measured metric",
      table: table(
        columns,
        rows(({ whole }) => whole),
      ),
    },
    {
      title:
        "The same given the depths of both ends, their squares and their product (a smooth function of place, to second order)",
      table: table(
        columns,
        rows(({ givenPlace }) => givenPlace),
      ),
    },
    {
      title:
        "The same given the depths of both ends alone, linearly (which does not take depth out: see the row of the depth null)",
      table: table(
        columns,
        rows(({ givenEnds }) => givenEnds),
      ),
    },
    {
      title:
        "How much of the ranks is a smooth function of place (R² of both depths, their squares and their product, in %)",
      table: table(columns, [["measured metric", ...tasks.map(({ placeShare }) => share(placeShare))], ...shares]),
    },
    {
      title: "How well the measurement agrees with itself (two seeds, stepped up to their mean)",
      table: table(
        ["task", "ρ"],
        tasks.flatMap(({ task, reliability }) => (reliability === undefined ? [] : [[task, two(reliability)]])),
      ),
    },
  ];
  return choices.length === 0 ? correlations : [...correlations, choicesTable(choices)];
}

const share = (of: number | undefined): string => (of === undefined || Number.isNaN(of) ? "" : (100 * of).toFixed(0));

function choicesTable(choices: ScoresResult["choices"]): { title: string; table: Table } {
  const ways = choices[0]!.choices.map(({ way }) => way);
  const rows = ways.map((way) => [
    way,
    ...choices.map(({ choices: of }) => {
      const { correlation, first, few, above } = of.find((choice) => choice.way === way)!;
      const told = Number.isNaN(correlation) ? "" : `${two(correlation)}: `;
      return `${told}${percent(first)} (${(100 * above).toFixed(0)} %), ${percent(few)}`;
    }),
  ]);
  return {
    title:
      "What the edges are worth that each way puts first: ρ: metric of its first (share of all edges that are better), mean of its first five",
    table: table(
      ["way", ...choices.map(({ task }) => task)],
      [
        ["a draw, on average", ...choices.map(({ drawn }) => percent(drawn))],
        ["the best edge", ...choices.map(({ best }) => percent(best))],
        ...rows,
      ],
    ),
  };
}
