/**
 * `graft compare` of all methods on every generated task, and with `--minilm DIR` (a folder of all-MiniLM-L6-v2) on WordNet's nouns
 * and spam. `npm run compare-all` builds and goes on where it stopped (docs/data/compare/<task>/runs.jsonl). It takes hours, in which
 * nobody may build into the same dist/: run it in a clone of its own.
 * `--tasks a,b --seeds 0,1,2 --trials 3 --draws 1 --epochs 4 --threads 1 --rows 1000 --minilm DIR --count` (how many runs there would be).
 */
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { textData, writeTextData } from "../bench/text-data.ts";
import { countJobs, parseMethods, USUAL_METHODS, withControls } from "../src/comparison/index.ts";
import { taskNames } from "../src/node.ts";
import { hasCurves } from "../src/report/index.ts";

const OUT = "docs/data/compare";
/** More than the usual ones: what comes before one of those. */
const BESIDES: Readonly<Record<string, readonly string[]>> = {
  bitfit: ["dora:q,v@r8"],
  full: ["norms", "houlsby@r8", "pfeiffer@r8", "adaptformer@r8", "adapter+@r8", "apla", "page@r8"],
};
const METHODS = USUAL_METHODS.flatMap((method) => [...(BESIDES[method] ?? []), method]);

const { values } = parseArgs({
  options: {
    tasks: { type: "string" },
    minilm: { type: "string" },
    methods: { type: "string", default: METHODS.join(" ") },
    seeds: { type: "string", default: "0,1,2" },
    trials: { type: "string", default: "3" },
    draws: { type: "string", default: "1" },
    epochs: { type: "string", default: "4" },
    threads: { type: "string", default: "1" },
    rows: { type: "string", default: "1000" },
    "train-size": { type: "string" },
    out: { type: "string", default: OUT },
    count: { type: "boolean", default: false },
  },
});

const known = [...taskNames, ...(values.minilm ? Object.keys(textData) : [])];
const tasks = values.tasks?.split(",") ?? known;
const unknown = tasks.find((task) => !known.includes(task));
if (unknown !== undefined) {
  const missing = unknown in textData ? "it takes --minilm DIR" : `there are ${known.join(", ")}`;
  console.error(`task "${unknown}": ${missing}`);
  process.exit(2);
}
const seeds = values.seeds.split(",").map(Number);
const { methods } = withControls(parseMethods(values.methods), "linear");
const runs = countJobs(methods, { seeds, trials: Number(values.trials), draws: Number(values.draws) });
console.error(`${tasks.length} tasks × ${runs} runs of ${methods.length} methods = ${tasks.length * runs} runs`);
if (!values.count) for (const task of tasks) compare(task);

function compare(task: string): void {
  const folder = join(values.out, task);
  mkdirSync(folder, { recursive: true });
  const { status } = spawnSync(
    process.execPath,
    [
      "dist/graft.js",
      "compare",
      ...(task in textData ? textArgs(task) : ["--task", task]),
      ...(values["train-size"] && !(task in textData) ? ["--train-size", values["train-size"]] : []),
      ...["--methods", values.methods, "--seeds", values.seeds, "--lr-trials", values.trials, "--draws", values.draws],
      ...["--epochs", values.epochs, "--threads", values.threads, "--out", folder],
      ...["--csv", join(folder, "table.csv"), "--html", join(folder, "index.html")],
      ...(hasCurves(parseMethods(values.methods)) ? ["--curves", join(folder, "curves.svg")] : []),
    ],
    { stdio: "inherit" },
  );
  if (status !== 0) process.exit(status ?? 1);
}

/** The same rows under the same name every time, so that a comparison can go on. */
function textArgs(task: string): readonly string[] {
  const folder = "runs/text-data";
  mkdirSync(folder, { recursive: true });
  return ["--model", values.minilm!, "--data", writeTextData(task, folder, Number(values.rows)), "--label", "label"];
}
