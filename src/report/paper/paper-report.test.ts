import { Resvg } from "@resvg/resvg-js";
import { expect, test } from "vitest";
import { type MadeUp, madeUpTrials } from "../../../test/support/made-up-trials.ts";
import { type ExperimentName, experiments } from "../../study/index.ts";
import { markdownTable } from "../table.ts";
import { fileName, paperReport } from "./index.ts";

const ALL = "all:parallel@r8";
const HOSTILE = "a<b>&.csv";
const study = (name: ExperimentName, list: readonly MadeUp[], tasks = [HOSTILE, "b"]) => ({
  settings: experiments[name].settings({ states: 25, tasks }),
  trials: madeUpTrials(list),
  isComplete: false,
});
const wellFormed = (svg: string) => new Resvg(svg, { font: { loadSystemFonts: false } }).render().width;

test("edges: a map for each task, cells that are missing stay empty, tables in %", () => {
  const list: MadeUp[] = [0, 3, 6].flatMap((from) =>
    [0, 3, 6].map((to) => ({
      task: HOSTILE,
      method: `${from}-${to}@r32`,
      validation: [0.5 + 0.01 * (from - to), undefined],
    })),
  );
  const { tables, pictures } = paperReport("edges", study("edges", list.slice(1)));
  expect(pictures.map(({ name }) => name)).toEqual(["edges-a-b-"]);
  expect(pictures[0]!.svg).toContain("<title>6 → 0, recurrent: 56</title>");
  expect(pictures[0]!.svg).toContain("<title>0 → 0, sequential: not measured</title>");
  expect(pictures[0]!.svg).not.toContain("<b>");
  expect(wellFormed(pictures[0]!.svg)).toBeGreaterThan(600);
  expect(markdownTable(tables[0]!.table)).toContain(
    "| a<b>&.csv | 8 |  |  | 6→0 56.0, 3→0 53.0, 6→3 53.0 | 6→0 |  |  |",
  );
  expect(markdownTable(tables[1]!.table)).toContain("| a<b>&.csv | 50.0 (2) |  | 47.0 (3) | 53.0 (3) |");
});

test("places: a panel for each task with a dot for each seed", () => {
  const list: MadeUp[] = [0, 1, 2].map((from) => ({
    task: HOSTILE,
    method: `${from}-${from + 1}@r32`,
    validation: [0.7 - 0.1 * from, 0.71 - 0.1 * from],
  }));
  const { tables, pictures } = paperReport("places", study("places", list));
  const svg = pictures[0]!.svg;
  expect(svg.match(/class="dot"/g)).toHaveLength(6);
  expect(svg).toContain("a&lt;b&gt;&amp;.csv: highest 70.5 % at 0 to 1, lowest 50.5 % at 2 to 3.");
  expect(wellFormed(svg)).toBeGreaterThan(600);
  expect(tables[0]!.table.rows[1]!.join("|")).toBe("b|0|||||||");
});

test("draws: a dot for each, and nothing to be drawn from nothing", () => {
  const list: MadeUp[] = [
    { task: "b", method: ALL, origin: "baseline", validation: [0.8] },
    ...Array.from({ length: 10 }, (_, k) => ({
      task: "b",
      method: `0-${k}@r8`,
      origin: "random",
      validation: [0.7 + k / 50],
    })),
  ];
  const { tables, pictures } = paperReport("random", study("random", list));
  expect(pictures[0]!.svg.match(/class="dot"/g)).toHaveLength(10);
  expect(wellFormed(pictures[0]!.svg)).toBeGreaterThan(600);
  expect(tables[0]!.table.rows[1]!.join("|")).toBe("b|10|70.0|79.0 [72.0, 86.0]|88.0|80.0|40 %||88.0||");
  expect(paperReport("random", study("random", [])).pictures).toEqual([]);
});

test("tasks that are paths have the last part's name, where these differ", () => {
  const named = (tasks: string[]) => {
    const list: MadeUp[] = tasks.map((task) => ({ task, method: "0-3@r32", validation: [0.5] }));
    return paperReport("edges", study("edges", list, tasks)).tables[0]!.table.rows.map(([name, edges]) => [
      name,
      edges,
    ]);
  };
  expect(named(["./data/wordnet/", "C:\\mails\\spam.csv"])).toEqual([
    ["wordnet", "1"],
    ["spam.csv", "1"],
  ]);
  expect(named(["en/t.csv", "de/t.csv"])).toEqual([
    ["en/t.csv", "1"],
    ["de/t.csv", "1"],
  ]);
});

test("a task's name becomes a file's, another one for each task", () => {
  const list: MadeUp[] = ["en/t.csv", "de/t.csv"].map((task) => ({ task, method: "0-3@r32", validation: [0.5] }));
  const names = paperReport("edges", study("edges", list, ["en/t.csv", "de/t.csv"])).pictures.map(({ name }) => name);
  expect(names).toEqual(["edges-t", "edges-t-2"]);
  expect(fileName("/some/where/tickets 2.csv")).toBe("tickets-2");
});
