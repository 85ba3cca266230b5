/**
 * What one more placement on a backbone costs: time until its step's session is open, and memory while those before it stay
 * open. Each row is a process of its own. `npx tsx bench/open-placement.ts`
 */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parsePlacement } from "../src/adapters/index.ts";
import { median } from "../src/base/index.ts";
import { methodOf } from "../src/methods/index.ts";
import { openBackbone } from "../src/node.ts";
import { zeroVectors } from "../src/parameters/index.ts";
import { atPrecision, type BackbonePrecision } from "../src/precision/index.ts";
import { markdownTable } from "../src/report/index.ts";
import { initialState, TrainOptions } from "../src/training/index.ts";
import { type OpenSteps, openSteps } from "../src/training/open-steps.ts";
import { tunedLayout } from "../src/training/tuned-step.ts";
import { greyTask } from "./grey-task.ts";
import { randomEncoder } from "./random-encoder.ts";

const SIZES = {
  "ViT-Ti/16": { type: "vit", width: 192, blocks: 12 },
  "MiniLM-L6": { type: "bert", width: 384, blocks: 6 },
  "ViT-B/16": { type: "vit", width: 768, blocks: 12 },
  "BERT-base": { type: "bert", width: 768, blocks: 12 },
} as const;
type Model = keyof typeof SIZES;

/** Within the states of the smallest, along and against the model's direction. */
const EDGES = ["0-0", "3-5", "7-3", "10-10", "2-9", "8-4"];
const [BATCH, TOKENS] = [8, 128];

async function measure(model: Model, precision: BackbonePrecision) {
  const { backbone } = await atPrecision(await openBackbone(randomEncoder(SIZES[model])), precision);
  const task = greyTask(backbone.input, { train: BATCH, validation: 1, tokens: TOKENS });
  const options = TrainOptions.parse({ batchSize: BATCH, epochs: 1, threads: 2 });
  const indices = Uint32Array.from({ length: BATCH }, (_, k) => k);
  const planned = { epoch: 0, indices, graph: 0 };
  const plan = { lengths: [TOKENS], examples: [indices], stepsPerEpoch: 1, batch: () => planned };
  const opened: { seconds: number; bytes: number }[] = [];
  // As a search holds them: weights that no session uses would be let go, and read again.
  const open: OpenSteps[] = [];
  for (const edge of EDGES) {
    const spec = {
      method: methodOf(backbone, parsePlacement(edge, { states: backbone.states.length, defaultRank: 8 })),
      goal: task.goal,
    };
    globalThis.gc?.();
    const [begun, before] = [performance.now(), process.memoryUsage.rss()];
    const layout = tunedLayout(backbone, spec, options);
    const start = initialState({ layout }, zeroVectors(layout));
    open.push(await openSteps(backbone, task, spec, options, plan, layout, start, {}));
    const seconds = (performance.now() - begun) / 1000;
    globalThis.gc?.();
    opened.push({ seconds, bytes: process.memoryUsage.rss() - before });
  }
  for (const steps of open) await steps.release();
  const [first, ...others] = opened;
  return {
    first: first!.seconds,
    further: median(others.map(({ seconds }) => seconds)),
    most: Math.max(...others.map(({ seconds }) => seconds)),
    bytes: median(others.map(({ bytes }) => bytes)),
  };
}

const [, , how, model, precision] = process.argv;
if (how === "measure") {
  console.log(JSON.stringify(await measure(model as Model, precision as BackbonePrecision)));
} else {
  const program = fileURLToPath(import.meta.url);
  const rows = Object.keys(SIZES).flatMap((model) =>
    ["fp32", "int8"].map((precision) => {
      const call = [...process.execArgv, "--expose-gc", program, "measure", model, precision];
      const text = execFileSync(process.execPath, call, { encoding: "utf8" });
      const { first, further, most, bytes } = JSON.parse(text) as Awaited<ReturnType<typeof measure>>;
      const seconds = [first, further, most].map((each) => each.toFixed(2));
      return [model, precision, ...seconds, (bytes / 1e6).toFixed(0)];
    }),
  );
  const titles = [
    "model",
    "frozen products",
    "the first, s",
    "a further one, s",
    "the slowest, s",
    "memory of a further one, MB",
  ];
  const columns = titles.map((title, k) => ({ title, align: k > 1 ? "right" : "left" }) as const);
  console.log(markdownTable({ columns, rows }));
}
