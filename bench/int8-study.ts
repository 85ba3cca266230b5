/**
 * Does training over an int8 backbone end at float32's accuracy? Pairs of trainings on the embedded model that differ in
 * `backbonePrecision` alone: same task, seed, placement, order of the data and head (fitted on float32 features). Every model
 * is measured on the test split as it is exported, in float32.
 *
 *   tsx bench/int8-study.ts [--seeds 5] [--threads 1] [--model DIR]
 *
 * With a text model's folder: WordNet's nouns by class (bench/text-data.ts), 1,000 training and 1,200 test rows.
 * It appends each training to docs/data/int8.jsonl (int8-text.jsonl) as it ends, skips those that are there, and prints the table.
 *
 * Stated before the first run: int8 is not inferior if the one-sided 95 % bound of the mean difference (int8 − float32, test
 * accuracy in points) over all pairs lies above −1. The same bound is shown for each task and placement, for what few
 * pairs can tell.
 */
import { appendFileSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Backbone } from "../src/backbone/index.ts";
import { mean, pairedInterval } from "../src/base/index.ts";
import { openBackbone, openTask, TrainOptions } from "../src/node.ts";
import { markdownTable } from "../src/report/index.ts";
import { select } from "../src/selection/index.ts";
import { labelsOf, type Split, type Task } from "../src/tasks/index.ts";
import { evaluate, fitTaskHead, train } from "../src/training/index.ts";
import { readJsonLines } from "./json-lines.ts";
import { writeTextData } from "./text-data.ts";

const PLACES = ["random:3@r32", "all:parallel@r8"];
const SIZES = { trainSize: 1000, validationSize: 300, testSize: 2000 };
const EPOCHS = 3;
const PRECISIONS = ["fp32", "int8"] as const;

interface Line {
  readonly task: string;
  readonly place: string;
  readonly seed: number;
  readonly precision: (typeof PRECISIONS)[number];
  /** Accuracy in [0, 1]; validation as training saw it, test in float32. */
  readonly validation: number;
  readonly test: number;
  readonly bestEpoch: number;
  readonly seconds: number;
  /** Of the processor: it says more than the clock on a busy machine. */
  readonly cpuSeconds: number;
}

const { values: args } = parseArgs({
  options: {
    seeds: { type: "string", default: "5" },
    threads: { type: "string", default: "1" },
    model: { type: "string" },
  },
});
const DATA = args.model ? "docs/data/int8-text.jsonl" : "docs/data/int8.jsonl";
const TASKS = args.model ? ["wordnet"] : ["count", "texture", "location"];
const threads = Number(args.threads);

for (let seed = 0; seed < Number(args.seeds); seed++) for (const task of TASKS) await measure(task, seed);
printTable(readJsonLines(DATA));

async function measure(name: string, seed: number): Promise<void> {
  const known = readJsonLines<Line>(DATA).filter((line) => line.task === name && line.seed === seed);
  const missing = PLACES.flatMap((place) =>
    PRECISIONS.filter((precision) => !known.some((line) => line.place === place && line.precision === precision)).map(
      (precision) => ({ place, precision }),
    ),
  );
  if (missing.length === 0) return;
  const backbone = await openBackbone(args.model ?? "builtin:vit");
  const task = args.model ? await openTexts(backbone, name, seed) : await openTask(name, { backbone, seed, ...SIZES });
  const settings = { epochs: EPOCHS, seed, threads };
  const head = await fitTaskHead(backbone, task, TrainOptions.parse(settings), {});
  for (const { place, precision } of missing) {
    const { placement } = select(place, { states: backbone.states.length, seed });
    const begun = process.cpuUsage();
    const model = await train(backbone, task, placement, {
      options: { ...settings, backbonePrecision: precision },
      head,
    });
    const { user, system } = process.cpuUsage(begun);
    const { value: test } = await evaluate(model, task.test, { threads });
    const { bestEpoch, seconds } = model;
    const what = { task: name, place, seed, precision, validation: model.validation.value, test };
    const line: Line = { ...what, bestEpoch, seconds, cpuSeconds: (user + system) / 1e6 };
    appendFileSync(DATA, `${JSON.stringify(line)}\n`);
    console.error(JSON.stringify(line));
  }
}

/** 6,000 rows, split 70/10/20, of whose training and validation rows the first are taken. */
async function openTexts(backbone: Backbone, name: string, seed: number): Promise<Task> {
  const folder = mkdtempSync(join(tmpdir(), "graft-int8-"));
  const task = await openTask(writeTextData(name, folder, 6000), { backbone, seed });
  const first = (split: Split, count: number): Split => {
    const targets = { kind: "classes", labels: labelsOf(split).slice(0, count) } as const;
    return { ...split, count, targets };
  };
  return { ...task, train: first(task.train, 1000), validation: first(task.validation, 300) };
}

function printTable(lines: readonly Line[]): void {
  const groups = TASKS.flatMap((task) => PLACES.map((place) => ({ task, place })));
  const rows = groups.flatMap(({ task, place }) => {
    const row = tableRow(
      [task, place],
      lines.filter((line) => line.task === task && line.place === place),
    );
    return row ? [row] : [];
  });
  const all = tableRow(["all", ""], lines);
  const left = ["task", "placement"].map((title) => ({ title }));
  const right = ["pairs", "float32", "int8", "difference", "95 % bound", "times as fast"];
  const columns = [...left, ...right.map((title) => ({ title, align: "right" as const }))];
  console.log(markdownTable({ columns, rows: all ? [...rows, all] : rows }));
}

/** Means over pairs; undefined where there is none. */
function tableRow(title: readonly string[], lines: readonly Line[]): string[] | undefined {
  const pairs = lines
    .filter(({ precision }) => precision === "fp32")
    .flatMap((float) => {
      const isOther = (line: Line) =>
        line.precision === "int8" && line.task === float.task && line.place === float.place && line.seed === float.seed;
      const int8 = lines.find(isOther);
      return int8 ? [{ float, int8 }] : [];
    });
  if (pairs.length === 0) return undefined;
  const points = (values: readonly number[]) => (100 * mean(values)).toFixed(1);
  // The lower end of a two-sided 90 % interval is the one-sided 95 % bound.
  const { mean: difference, low } = pairedInterval(
    pairs.map(({ float, int8 }) => 100 * (int8.test - float.test)),
    0.9,
  );
  const seconds = (side: "float" | "int8") => pairs.reduce((sum, pair) => sum + pair[side].cpuSeconds, 0);
  return [
    ...title,
    String(pairs.length),
    points(pairs.map(({ float }) => float.test)),
    points(pairs.map(({ int8 }) => int8.test)),
    difference.toFixed(2),
    low?.toFixed(2) ?? "",
    (seconds("float") / seconds("int8")).toFixed(2),
  ];
}
