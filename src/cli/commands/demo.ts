import { join } from "node:path";
import * as z from "zod";
import { MODEL_FILE } from "../../artifact/index.node.ts";
import { type ComparisonRow, compareMethods, localRuns, STANDARD_ROWS } from "../../comparison/index.ts";
import {
  GraftError,
  type ImageInput,
  type ImageSplit,
  openBackbone,
  openTask,
  outputNames,
  outputsOf,
  type Scores,
  saveTrained,
  scoreEdges,
  select,
  type Task,
  TrainOptions,
} from "../../node.ts";
import { colorDepthOf, comparisonTable, heatMapTerminal, terminalTable } from "../../report/index.ts";
import { commonArgs, modelArgs, seedArgs } from "../arguments.ts";
import { type CommandContext, defineCommand } from "../define-command.ts";
import { checkDemoOut, inFolder } from "../out-folder.ts";
import { predictPlainly } from "../plain-session.ts";

const SIZES = {
  full: {},
  quick: { trainSize: 320, validationSize: 64, testSize: 128 },
};

const shape = {
  task: z.string().default("count").meta({ description: "a generated task", value: "name" }),
  quick: z.boolean().default(false).describe("a smoke run in seconds: few examples, figures that mean nothing"),
  epochs: TrainOptions.shape.epochs.describe("passes over the training examples, for every row"),
  out: z.string().min(1).default("graft-demo").meta({ description: "folder for the trained model", value: "dir" }),
  threads: modelArgs.threads,
  device: modelArgs.device,
  ...seedArgs,
  ...commonArgs,
};
type Args = z.output<z.ZodObject<typeof shape>>;

export const demo = defineCommand({
  args: shape,
  examples: ["graft demo", "graft demo --task texture --seed 1", "graft demo --quick"],
  async run(context) {
    await checkDemoOut(context.args.out);
    const result = await inFolder(context.args.out, () => wholePath(context));
    context.print({ type: "result", ...result, rows: result.rows.map(plainRow) }, () =>
      context.args.quiet ? result.file : report(result),
    );
  },
});

async function wholePath({ args, signal, onProgress, note, line }: CommandContext<Args>): Promise<Result> {
  const { seed, quick, out } = args;
  const { threads } = args;
  const epochs = quick ? 1 : args.epochs;
  const backbone = await openBackbone("builtin:vit", { device: args.device, onNote: note, signal, onProgress });
  const n = backbone.states.length;
  note(`${backbone.name}: ${backbone.blocks} blocks, ${n} hidden states, ${n * n} edges an adapter may take`);
  const task = await openTask(args.task, { from: "generated", signal, seed, ...(quick ? SIZES.quick : SIZES.full) });
  note(
    `${task.name}: ${task.title}; ${task.train.count} training, ${task.validation.count} validation, ${task.test.count} test images`,
  );

  const scores = await scoreEdges(backbone, task, { seed, signal, onProgress, threads });
  note(heatMap(scores, task));
  line("scores", { seconds: scores.seconds, examples: scores.examples });

  const run = localRuns(backbone, () => task, {
    scores,
    options: { epochs, threads },
    memory: () => process.memoryUsage.rss(),
    signal,
    onProgress,
  });
  const { rows } = await compareMethods({
    methods: STANDARD_ROWS,
    reference: "none",
    seeds: [seed],
    draws: 3,
    run,
    onRow: (row) => {
      line("row", plainRow(row));
      const [method, validation] = comparisonTable([row]).rows[0]!;
      note(`→ ${method}: validation ${validation} %`);
    },
  });

  await run.close();
  const { model, description, failure } = rows.find(({ method }) => method.startsWith("gga"))!.runs[0]!;
  if (model === undefined)
    throw new GraftError("LOSS_NOT_FINITE", {
      thing: `adapters on ${description}`,
      place: failure ?? "they were not trained",
      remedy: "Report it with the seed: the demo's settings should not diverge",
    });
  await saveTrained(model, out);
  const file = join(out, MODEL_FILE);
  const trained = await outputsOf(model, task.test, { signal, onProgress });
  const reopened = await predictPlainly(file, backbone.input as ImageInput, task.test as ImageSplit);
  const check = agreement(trained, reopened, outputNames(task.goal).length);
  return { task: task.name, seed, epochs, rows, placement: description, out, file, ...check };
}

/** The heat map, the edges GGA picks marked in it. */
function heatMap(scores: Scores, { name }: Task): string {
  const { edges } = select("gga:3", { states: scores.matrix.length, scores, seed: scores.seed });
  const map = {
    matrix: scores.matrix,
    scoreName: scores.scoreName,
    title: `gradient rank of each edge on ${name}`,
    chosen: edges,
  };
  return heatMapTerminal(map, {
    color: colorDepthOf(process.stderr, process.env),
    columns: process.stderr.columns ?? 80,
  });
}

function plainRow({
  method,
  runs,
  validation,
  test,
  testStd,
  trainableParameters,
  seconds,
  peakMemoryBytes,
}: ComparisonRow) {
  const placements = runs.map(({ description }) => description);
  return { row: method, placements, validation, test, testStd, trainableParameters, seconds, peakMemoryBytes };
}

/** How far the reopened file's logits are from the trained ones, and on how many examples the class is the same. */
function agreement(trained: Float32Array, reopened: Float32Array, classes: number) {
  const count = trained.length / classes;
  const argmax = (logits: Float32Array, row: number) => {
    const part = logits.subarray(row * classes, (row + 1) * classes);
    return part.indexOf(part.reduce((a, b) => Math.max(a, b)));
  };
  const equal = Array.from({ length: count }, (_, row) => argmax(trained, row) === argmax(reopened, row));
  return {
    samePredictions: equal.filter(Boolean).length,
    predictions: count,
    largestDifference: trained.reduce((max, x, k) => Math.max(max, Math.abs(x - reopened[k]!)), 0),
  };
}

interface Result {
  readonly task: string;
  readonly seed: number;
  readonly epochs: number;
  readonly rows: readonly ComparisonRow[];
  readonly placement: string;
  readonly out: string;
  readonly file: string;
  readonly samePredictions: number;
  readonly predictions: number;
  readonly largestDifference: number;
}

function report({ task, seed, epochs, rows, out, file, ...check }: Result): string {
  return [
    terminalTable(comparisonTable(rows)),
    `Accuracy in % on ${task}, ${epochs} epoch${epochs === 1 ? "" : "s"}, seed ${seed}: an illustration, one seed.`,
    "Each row kept its best epoch on validation and met the test images once; the",
    "evidence over seeds is in docs/experiments.md.",
    "",
    `${file}, reopened in a plain ONNX Runtime session:`,
    `${check.samePredictions} of ${check.predictions} test predictions are the trained model's (largest difference of a`,
    `logit ${check.largestDifference.toExponential(1)}).`,
    "",
    "Next:",
    `  npx graft evaluate --model ${out} --task ${task}`,
    "  npx graft train --data ./photos --out ./photos-model",
    "(./photos holds train/<class>/*.jpg)",
  ].join("\n");
}
