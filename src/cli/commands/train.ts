import * as z from "zod";
import { keepBackbone, trainingIn } from "../../artifact/index.node.ts";
import { checkQuantizable, usageLines } from "../../artifact/index.ts";
import { type Backbone, GraftError, type Task, TrainOptions } from "../../node.ts";
import { terminalTable } from "../../report/index.ts";
import { methodUsages } from "../../selection/index.ts";
import { DEFAULT_CHECKPOINT_SECONDS } from "../../training/index.ts";
import {
  adapterArgs,
  adapterOptions,
  argsOf,
  coarseArgs,
  commonArgs,
  dataArgs,
  exportArgs,
  limitArgs,
  methodArgs,
  methodText,
  modelArgs,
  pick,
  seedArgs,
  selectingArgs,
} from "../arguments.ts";
import { assumedMethod, widestOnTheWay } from "../assumed-method.ts";
import { type BegunSettings, begunSettings } from "../begun-settings.ts";
import { type CommandContext, defineCommand } from "../define-command.ts";
import { dryRun } from "../dry-run.ts";
import { dryRunReport } from "../dry-run-report.ts";
import { inGroup } from "../flags.ts";
import { autoBatch } from "../memory.ts";
import { checkData, openData, openModel } from "../open.ts";
import { checkOut, inFolder } from "../out-folder.ts";
import { describeQuantized } from "../quantized.ts";
import { showMetric } from "../show-metric.ts";
import { describeInt8, describeTrained, isPair, type TrainResult, trainTask, worseThan } from "../train-task.ts";

const shape = {
  ...modelArgs,
  ...dataArgs,
  ...methodArgs,
  ...inGroup("Placement", {
    scores: z
      .string()
      .optional()
      .meta({ description: "scores from `graft score --json`, instead of scoring now", value: "file" }),
  }),
  ...inGroup("Output", {
    out: z.string().min(1).default("graft-out").meta({ description: "folder for the trained model", value: "dir" }),
    resume: z.boolean().default(false).describe("go on from the checkpoint in --out"),
    checkpointSeconds: z
      .number()
      .min(0)
      .optional()
      .meta({
        description: `seconds between checkpoints within an epoch (default: ${DEFAULT_CHECKPOINT_SECONDS})`,
        value: "s",
      }),
    overwrite: z.boolean().default(false).describe("replace what --out holds of an earlier training"),
    dryRun: z.boolean().default(false).describe("show what would be trained, on what, and its cost; train nothing"),
  }),
  ...coarseArgs,
  ...limitArgs,
  ...selectingArgs,
  ...exportArgs,
  ...adapterArgs,
  ...inGroup("Training", {
    ...argsOf(TrainOptions),
    batchSize: z
      .union([z.literal("auto"), z.int().min(1)])
      .default(TrainOptions.shape.batchSize.parse(undefined))
      .meta({ description: "examples per step; `auto`: as many as fit the memory, up to 256", value: "n|auto" }),
  }),
  threads: modelArgs.threads,
  ...seedArgs,
  ...commonArgs,
};

export const train = defineCommand({
  args: shape,
  examples: [
    "graft train --model hf:Xenova/all-MiniLM-L6-v2 --data tickets.csv --label team --out ./tickets",
    "graft train --task count --place gga:3 --out ./count",
    "graft train --data ./photos --place all:parallel --epochs 10 --out ./photos-model",
    "graft train --task count --method lora:q,v@r8 --out ./count",
    "graft train --task count --method auto --out ./count",
    "graft train --task count --out ./count --resume",
    "graft train --data tickets.csv --model ./minilm --dry-run",
  ],
  async run(context) {
    if (context.args.method === "list") return context.print({ type: "methods", methods: methodUsages() }, methodList);
    const args = { ...context.args, method: methodText(context.args) };
    const { signal, print, note } = context;
    checkData(args);
    if (!args.dryRun) await checkOut(args, note);
    const backbone = await openModel(args, context);
    await keepBackbone(backbone, args.out);
    if (args.outDtype === "q8") checkQuantizable(backbone);
    const task = await openData(args, backbone, context);
    const adapter = adapterOptions(args);
    const begun = args.resume ? await begunSettings(args.out) : undefined;
    const batchSize = await batchSizeOf(context, args, backbone, task, begun);
    const options = pick(TrainOptions, { ...args, batchSize });
    const call = { args, adapter, options, begun, data: args.task ?? args.data! };
    if (args.dryRun) return print({ type: "dry-run", ...(await dryRun(context, backbone, task, call)) }, dryRunReport);
    const { model, result } = await inFolder(args.out, () => trainTask(context, backbone, task, call)).catch(
      async (error) => {
        throw signal.aborted && (await trainingIn(args.out)) !== "nothing" ? withResume(error) : error;
      },
    );
    print({ type: "result", ...result }, () =>
      args.quiet ? inALine(result) : summary(result, usageLines(model, args.out, { pair: isPair(task) })),
    );
  },
});

/** Examples per step: as asked for; for `auto` those of the run that goes on, or as many as fit. */
async function batchSizeOf(
  context: Pick<CommandContext<unknown>, "signal" | "note">,
  args: z.output<z.ZodObject<typeof shape>> & { readonly method: string },
  backbone: Backbone,
  task: Task,
  begun: BegunSettings | undefined,
): Promise<number> {
  if (args.batchSize !== "auto") return args.batchSize;
  if (begun) {
    context.note(`batch size ${begun.batchSize}, as the run to resume has it`);
    return begun.batchSize;
  }
  const adapter = adapterOptions(args);
  const widest = await widestOnTheWay(args, backbone, adapter);
  const { method } = widest ? { method: widest } : await assumedMethod(args, backbone, adapter);
  return autoBatch(context, backbone, task, method, pick(TrainOptions, { ...args, batchSize: undefined }));
}

/** One line each: how it is written, what it is, where it comes from. */
const methodList = ({ methods }: { readonly methods: ReturnType<typeof methodUsages> }): string =>
  terminalTable({
    columns: [{ title: "method" }, { title: "what is trained" }, { title: "from" }],
    rows: methods.map(({ usage, summary, paper = "" }) => [usage, summary, paper]),
  });

/** A stop, with what to do next. */
function withResume(error: unknown): unknown {
  if (!(error instanceof GraftError) || error.code !== "ABORTED") return error;
  const { thing, place } = error;
  return new GraftError("ABORTED", { thing, place, remedy: "The same command with --resume goes on", cause: error });
}

/** What `--quiet` leaves: the result, and that it was in vain. */
const inALine = ({ metric, validation, test, betterBase, out }: TrainResult): string =>
  [
    `${out}: ${metric} ${showMetric(metric, test.value)} on test, ${showMetric(metric, validation.value)} on validation`,
    ...(betterBase ? [worseThan(betterBase)] : []),
  ].join("\n");

/** The comparison, what it means, and how to use what was made. */
function summary(result: TrainResult, usage: readonly string[]): string {
  const {
    metric,
    base,
    betterBase,
    validation,
    test,
    testMetrics,
    trainableParameters,
    seconds,
    method,
    placement,
    quantized,
    int8Products,
  } = result;
  const right = (title: string) => ({ title, align: "right" }) as const;
  const row = (name: string, on: { validation: { value: number }; test: { value: number } }) => [
    name,
    showMetric(metric, on.validation.value),
    showMetric(metric, on.test.value),
  ];
  const table = terminalTable({
    columns: [{ title: metric }, right("validation"), right("test")],
    rows: [
      ...base.map((measure) => row(`base: ${measure.name}`, measure)),
      row(describeTrained(method, placement), { validation, test }),
    ],
  });
  const figures = testMetrics.map(({ name, value, interval }) => {
    const range = interval ? ` (${showMetric(name, interval.low)} to ${showMetric(name, interval.high)})` : "";
    return `${name} ${showMetric(name, value)}${range}`;
  });
  const warning = betterBase
    ? [
        `${worseThan(betterBase)} The folder holds what was trained all the same; \`graft export\` asks for --force,`,
        "and `--method linear` keeps the linear head alone.",
      ]
    : [];
  return [
    table,
    `On test, with 95 % intervals: ${figures.join(", ")}.`,
    ...warning,
    ...(quantized ? [describeQuantized(metric, quantized)] : []),
    `${trainableParameters.toLocaleString("en")} trainable parameters, ${seconds.toFixed(1)} s${int8Products ? `, frozen weights in ${describeInt8(int8Products)}` : ""}`,
    "",
    "Use it:",
    ...usage.map((line) => `  ${line}`),
  ].join("\n");
}
