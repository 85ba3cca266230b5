/**
 * How good each place is, really: one adapter on every third edge (81), trained and measured. `npm run edges` appends to
 * docs/data/edges.jsonl what is not there yet, so that it can be stopped and continued. `--tasks a,b --seeds 2 --stride 3
 * --rank 32 --epochs 4 --threads 1`.
 *
 * The first 400 validation images choose the epoch, as in every training; 2,000 more measure the edge, so that the test images
 * stay untouched.
 */
import { appendFile, mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { type Backbone, evaluate, openBackbone, openTask, type Task, train } from "../src/node.ts";
import { type ImageSplit, labelsOf, type Split } from "../src/tasks/index.ts";
import { fitTaskHead, frozenShelf, TrainOptions } from "../src/training/index.ts";

const DATA = "docs/data/edges.jsonl";
const [CHOOSING, MEASURING] = [400, 2000];

/** One line of the data: a training. `from` and `to` are null for the linear head alone. */
interface Line {
  readonly task: string;
  readonly seed: number;
  readonly from: number | null;
  readonly to: number | null;
  readonly rank: number;
  readonly epochs: number;
  readonly backbone: string;
  /** On the images that chose the epoch, and on those that measure. */
  readonly validation: number;
  readonly measured: number;
  readonly measuredLoss: number;
  readonly seconds: number;
}

const { values } = parseArgs({
  options: {
    tasks: { type: "string", default: "location,texture,orientation,family" },
    seeds: { type: "string", default: "2" },
    stride: { type: "string", default: "3" },
    rank: { type: "string", default: "32" },
    epochs: { type: "string", default: "4" },
    threads: { type: "string", default: "1" },
  },
});
const [rank, epochs, threads] = [values.rank, values.epochs, values.threads].map(Number) as [number, number, number];

await mkdir(dirname(DATA), { recursive: true });
const backbone = await openBackbone();
for (let seed = 0; seed < Number(values.seeds); seed++)
  for (const name of values.tasks.split(",")) await measureTask(backbone, name, seed);

async function measureTask(backbone: Backbone, name: string, seed: number): Promise<void> {
  const stride = Number(values.stride);
  const states = Array.from({ length: Math.ceil(backbone.states.length / stride) }, (_, k) => k * stride);
  const edges = states.flatMap((from) => states.map((to) => ({ from, to, rank })));
  const known = (await readLines()).filter(
    (line) =>
      line.task === name &&
      line.seed === seed &&
      line.rank === rank &&
      line.epochs === epochs &&
      line.backbone === backbone.hash,
  );
  const isKnown = (from: number | null, to: number | null) =>
    known.some((line) => line.from === from && line.to === to);
  const placements = [[], ...edges.map((edge) => [edge])].filter(
    ([edge]) => !isKnown(edge?.from ?? null, edge?.to ?? null),
  );
  if (placements.length === 0) return;

  const whole = await openTask(name, { seed, validationSize: CHOOSING + MEASURING });
  const task: Task = { ...whole, validation: part(whole.validation, 0, CHOOSING) };
  const measuring = part(whole.validation, CHOOSING, CHOOSING + MEASURING);
  const options = TrainOptions.parse({ epochs, threads, seed });
  const head = await fitTaskHead(backbone, task, options);
  const shelf = frozenShelf();
  for (const placement of placements) {
    const begun = performance.now();
    const model = await train(backbone, task, placement, { options, head, shelf });
    const seconds = (performance.now() - begun) / 1000;
    const { value, loss } = await evaluate(model, measuring, { threads });
    const line: Line = {
      task: name,
      seed,
      from: placement[0]?.from ?? null,
      to: placement[0]?.to ?? null,
      rank,
      epochs,
      backbone: backbone.hash,
      validation: model.validation.value,
      measured: value,
      measuredLoss: loss,
      seconds,
    };
    await appendFile(DATA, `${JSON.stringify(line)}\n`);
    console.error(name, seed, `${line.from} → ${line.to}`, value.toFixed(4), `${seconds.toFixed(0)} s`);
  }
  shelf.close();
}

/** Images of a split from one index to another. */
function part(split: Split, from: number, to: number): Split {
  const { pixels } = split as ImageSplit;
  const targets = { kind: "classes", labels: labelsOf(split).slice(from, to) } as const;
  return { kind: "image", count: to - from, targets, pixels: (index) => pixels(from + index) };
}

async function readLines(): Promise<Line[]> {
  const text = await readFile(DATA, "utf8").catch(() => "");
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line);
}
