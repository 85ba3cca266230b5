/**
 * The evidence behind the demo: every placement on every generated task, several seeds. `npm run experiments` appends to
 * docs/data/placements.jsonl what is not there yet, so that it can be stopped and continued, and rewrites the table in
 * docs/experiments.md. `--tasks a,b --seeds 3 --draws 3 --threads 1`, `--table` for the table alone.
 */
import { appendFile, mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { readJsonLines } from "../bench/json-lines.ts";
import { writeFileAtomic } from "../src/base/index.node.ts";
import { mean, standardDeviation } from "../src/base/index.ts";
import { compareMethods, localRuns, methodTitle, STANDARD_ROWS as ROWS } from "../src/comparison/index.ts";
import { openBackbone, openTask, taskNames } from "../src/node.ts";
import { markdownTable } from "../src/report/index.ts";

const DATA = "docs/data/placements.jsonl";
const DOCUMENT = "docs/experiments.md";
let appended: Promise<void> = Promise.resolve();
const [BEGIN, END] = ["<!-- placements: begin (npm run experiments) -->", "<!-- placements: end -->"];
/** Heads of the table's columns, in the rows' order. */
const TITLES = ROWS.map(methodTitle);

/** One line of the data: a row of the comparison for one task and seed. */
interface Line {
  readonly task: string;
  readonly seed: number;
  readonly row: string;
  readonly backbone: string;
  readonly epochs: number;
  readonly placements: readonly string[];
  readonly validation: readonly number[];
  readonly test: readonly number[];
  readonly trainableParameters: number;
  readonly seconds: number;
}

const { values } = parseArgs({
  options: {
    tasks: { type: "string", default: taskNames.join(",") },
    seeds: { type: "string", default: "3" },
    threads: { type: "string", default: "1" },
    epochs: { type: "string", default: "4" },
    draws: { type: "string", default: "3" },
    table: { type: "boolean", default: false },
  },
});

if (!values.table) await measure();
await writeTable();

async function measure(): Promise<void> {
  const [threads, epochs] = [Number(values.threads), Number(values.epochs)];
  const backbone = await openBackbone();
  await mkdir(dirname(DATA), { recursive: true });
  for (let seed = 0; seed < Number(values.seeds); seed++)
    for (const name of values.tasks.split(",")) {
      const known = readJsonLines<Line>(DATA).filter(
        (line) => line.task === name && line.seed === seed && line.backbone === backbone.hash && line.epochs === epochs,
      );
      const rows = ROWS.filter((row) => !known.some((line) => line.row === row));
      if (rows.length === 0) continue;
      const task = await openTask(name, { seed });
      const run = localRuns(backbone, () => task, { options: { epochs, threads } });
      await compareMethods({
        methods: rows,
        reference: rows[0]!,
        seeds: [seed],
        draws: Number(values.draws),
        run,
        onRow: ({ method: row, runs, trainableParameters, seconds }) => {
          const line: Line = {
            task: name,
            seed,
            row,
            backbone: backbone.hash,
            epochs,
            placements: runs.map(({ description }) => description),
            validation: runs.map((run) => run.validation!.value),
            test: runs.map((run) => run.test!.value),
            trainableParameters,
            seconds,
          };
          appended = appended.then(() => appendFile(DATA, `${JSON.stringify(line)}\n`));
          console.error(name, seed, row, mean(line.test).toFixed(4), `${seconds.toFixed(0)} s`);
        },
      });
      await run.close();
      await appended;
    }
}

/** Accuracy by task and method, mean ± standard deviation over seeds, for the newest backbone in the data. */
async function writeTable(): Promise<void> {
  const all = readJsonLines<Line>(DATA);
  const backbone = all.at(-1)?.backbone;
  const lines = all.filter((line) => line.backbone === backbone);
  const tasks = [...new Set(lines.map(({ task }) => task))];
  const cell = (task: string, row: string) => {
    const found = lines.filter((line) => line.task === task && line.row === row);
    const bySeed = found.map((line) => 100 * mean(line.test));
    if (bySeed.length === 0) return "";
    return bySeed.length < 2
      ? bySeed[0]!.toFixed(1)
      : `${mean(bySeed).toFixed(1)} ± ${standardDeviation(bySeed).toFixed(1)}`;
  };
  const draws = lines
    .filter(({ row, task }) => row.startsWith("random") && task === tasks[0])
    .flatMap(({ test }) => test).length;
  const seeds = new Set(lines.map(({ seed }) => seed)).size;
  const table = markdownTable({
    columns: [{ title: "task" }, ...TITLES.map((title) => ({ title, align: "right" }) as const)],
    rows: tasks.map((task) => [task, ...ROWS.map((row) => cell(task, row))]),
  });
  const costs = markdownTable({
    columns: [{ title: "" }, ...TITLES.map((title) => ({ title, align: "right" }) as const)],
    rows: [
      ["trainable parameters (8 classes)", ...ROWS.map((row) => parametersOn8(lines, row))],
      [
        "seconds a training, least",
        ...ROWS.map((row) => Math.min(...lines.filter((l) => l.row === row).map((l) => l.seconds)).toFixed(0)),
      ],
    ],
  });
  const caption = `Test accuracy in %, mean ± standard deviation over ${seeds} seeds (random edges: mean of the draws of a seed, ${draws} in all).`;
  const text = await readFile(DOCUMENT, "utf8");
  const [before, after] = [text.split(BEGIN)[0], text.split(END)[1]];
  await writeFileAtomic(DOCUMENT, `${before}${BEGIN}\n\n${caption}\n\n${table}\n${costs}\n${END}${after}`);
}

/** Parameters of a row on the task with 8 classes, or on the first there is. */
function parametersOn8(lines: readonly Line[], row: string): string {
  const found =
    lines.find((line) => line.row === row && line.task === "count") ?? lines.find((line) => line.row === row);
  return found ? found.trainableParameters.toLocaleString("en") : "";
}
