/**
 * Does a W_down that the data point beat a drawn one? Trainings on the embedded model that differ in `start` alone: same task,
 * seed, edges (GGA's, from one scoring), head and order of the data.
 *
 *   tsx bench/starts.ts [--seeds 3] [--threads 1]
 *
 * It appends each training to docs/data/starts.jsonl as it ends, skips those that are there, and prints the table.
 *
 * Stated before the first run: a start is better or worse than the default where the 95 % interval of the mean difference on
 * test, over the pairs of all tasks and seeds, leaves out 0. Nothing is tuned: all have the default learning rate.
 */
import { appendFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { mean, pairedInterval, standardDeviation } from "../src/base/index.ts";
import { openBackbone, openTask, TrainOptions } from "../src/node.ts";
import { markdownTable } from "../src/report/index.ts";
import { searchRuntime } from "../src/runtime/index.ts";
import { scoreEdges } from "../src/scoring/index.ts";
import { select } from "../src/selection/index.ts";
import { evaluate, fitTaskHead, frozenShelf, train } from "../src/training/index.ts";
import { readJsonLines } from "./json-lines.ts";

const DATA = "docs/data/starts.jsonl";
const TASKS = ["count", "texture", "location"];
const PLACES = ["gga:1", "gga:3"];
const STARTS = ["default", "states", "gradient"] as const;
const SIZES = { trainSize: 1000, validationSize: 300, testSize: 1000 };
const EPOCHS = 4;

interface Line {
  readonly task: string;
  readonly place: string;
  readonly edges: string;
  readonly seed: number;
  readonly start: (typeof STARTS)[number];
  /** Accuracy in [0, 1] on validation after each epoch, and of the best epoch's parameters on test. */
  readonly validations: readonly number[];
  readonly test: number;
  readonly trainLosses: readonly number[];
  readonly bestEpoch: number;
  readonly seconds: number;
}

const { values: args } = parseArgs({
  options: { seeds: { type: "string", default: "3" }, threads: { type: "string", default: "1" } },
});
const threads = Number(args.threads);

for (let seed = 0; seed < Number(args.seeds); seed++) for (const task of TASKS) await measure(task, seed);
printTable(readJsonLines(DATA));

async function measure(name: string, seed: number): Promise<void> {
  const known = readJsonLines<Line>(DATA).filter((line) => line.task === name && line.seed === seed);
  if (known.length === PLACES.length * STARTS.length) return;
  const opened = await openBackbone("builtin:vit");
  const runtime = searchRuntime(opened.runtime);
  const shelf = frozenShelf({ bytes: 2 ** 30, keepsEpochs: true });
  const backbone = { ...opened, runtime };
  const task = await openTask(name, { backbone, seed, ...SIZES });
  const settings = { epochs: EPOCHS, seed, threads };
  const head = await fitTaskHead(backbone, task, TrainOptions.parse(settings));
  const scores = await scoreEdges(backbone, task, { seed, threads });
  for (const place of PLACES) {
    const { placement } = select(place, { states: backbone.states.length, scores, seed });
    for (const start of STARTS) {
      if (known.some((line) => line.place === place && line.start === start)) continue;
      const model = await train(backbone, task, placement, { adapter: { start }, options: settings, head, shelf });
      const { value: test } = await evaluate(model, task.test, { threads });
      const { history, bestEpoch, seconds } = model;
      const edges = placement.map(({ from, to }) => `${from}-${to}`).join(",");
      const line: Line = {
        ...{ task: name, place, edges, seed, start, test, bestEpoch, seconds },
        validations: history.map(({ validation }) => validation.value),
        trainLosses: history.map(({ trainLoss }) => trainLoss),
      };
      appendFileSync(DATA, `${JSON.stringify(line)}\n`);
      console.error(JSON.stringify(line));
    }
  }
  shelf.close();
  await runtime.close();
}

function printTable(lines: readonly Line[]): void {
  const points = (x: number) => (100 * x).toFixed(1);
  const spread = (values: readonly number[]) => `${points(mean(values))} ± ${points(standardDeviation(values))}`;
  const rows = PLACES.flatMap((place) =>
    [...TASKS, "all"].map((task) => {
      const of = (start: Line["start"], what: (line: Line) => number = ({ test }) => test) =>
        lines
          .filter((line) => line.place === place && line.start === start && (task === "all" || line.task === task))
          .sort((a, b) => a.task.localeCompare(b.task) || a.seed - b.seed)
          .map(what);
      const cells = STARTS.map((start) => (task === "all" ? points(mean(of(start))) : spread(of(start))));
      const gains = STARTS.slice(1).map((start) => {
        const { mean: gain, low, high } = pairedInterval(of(start).map((value, k) => value - of("default")[k]!));
        return `${points(gain)} (${points(low ?? Number.NaN)} to ${points(high ?? Number.NaN)})`;
      });
      const first = STARTS.map((start) => points(mean(of(start, ({ validations }) => validations[0]!)))).join(" / ");
      return [place, task, String(of("default").length), ...cells, ...gains, first];
    }),
  );
  const columns = [
    "placement",
    "task",
    "pairs",
    "default",
    "states",
    "gradient",
    "states − default",
    "gradient − default",
    "validation after epoch 1",
  ];
  console.log(markdownTable({ columns: columns.map((title) => ({ title })), rows }));
}
