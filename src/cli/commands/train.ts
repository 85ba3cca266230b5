import { join } from "node:path";
import * as z from "zod";
import { MODEL_FILE, trainingIn } from "../../artifact/index.node.ts";
import { writeFileAtomic } from "../../base/index.node.ts";
import {
  type Backbone,
  evaluate,
  folderCheckpoint,
  formatPlacement,
  GraftError,
  parseScores,
  type Selection,
  saveTrained,
  scoreEdges,
  select,
  type Task,
  TrainOptions,
  train as trainAdapters,
} from "../../node.ts";
import { needsScores, parseSelector } from "../../selection/index.ts";
import { DEFAULT_CHECKPOINT_SECONDS } from "../../training/index.ts";
import {
  adapterArgs,
  adapterOptions,
  argsOf,
  commonArgs,
  dataArgs,
  modelArgs,
  pick,
  placementArgs,
  seedArgs,
} from "../arguments.ts";
import { type CommandContext, defineCommand } from "../define-command.ts";
import { checkData, openData, openModel } from "../open.ts";
import { checkOut, inFolder, RESULT_FILE } from "../out-folder.ts";
import { readJson } from "../read-json.ts";

const shape = {
  ...modelArgs,
  ...dataArgs,
  ...placementArgs,
  scores: z
    .string()
    .optional()
    .meta({ description: "scores from `graft score --json`, instead of scoring now", value: "file" }),
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
  ...adapterArgs,
  ...argsOf(TrainOptions),
  threads: modelArgs.threads,
  ...seedArgs,
  ...commonArgs,
};
type Context = CommandContext<z.output<z.ZodObject<typeof shape>>>;

export const train = defineCommand({
  args: shape,
  examples: [
    "graft train --task count --place gga:3 --out ./count",
    "graft train --data ./photos --place all:parallel --epochs 10 --out ./photos-model",
    "graft train --task count --out ./count --resume",
  ],
  async run(context) {
    const { args, signal, print, note } = context;
    checkData(args);
    parseSelector(args.place);
    await checkOut(args, note);
    const backbone = await openModel(args, context);
    const task = await openData(args, backbone, context);
    const result = await inFolder(args.out, () => trainAndSave(context, backbone, task)).catch(async (error) => {
      throw signal.aborted && (await trainingIn(args.out)) !== "nothing" ? withResume(error) : error;
    });
    print({ type: "result", ...result }, () => summary(result));
  },
});

/** A stop, with what to do next. */
function withResume(error: unknown): unknown {
  if (!(error instanceof GraftError) || error.code !== "ABORTED") return error;
  const { thing, place } = error;
  return new GraftError("ABORTED", { thing, place, remedy: "The same command with --resume goes on", cause: error });
}

async function trainAndSave(context: Context, backbone: Backbone, task: Task): Promise<Result> {
  const { args, signal, onProgress, line, note } = context;
  const { placement, edges } = await place(context, backbone, task);
  note(`placement ${formatPlacement(placement)}`);
  line("placement", { placement: formatPlacement(placement), edges });
  const model = await trainAdapters(backbone, task, placement, {
    adapter: adapterOptions(args),
    options: pick(TrainOptions, args),
    checkpoint: folderCheckpoint(args.out),
    resume: args.resume,
    ...(args.checkpointSeconds !== undefined && { checkpointSeconds: args.checkpointSeconds }),
    signal,
    onProgress,
    onEpoch: (record) => {
      line("epoch", record);
      const { epoch, trainLoss, validation } = record;
      note(`epoch ${epoch}: training loss ${trainLoss.toFixed(4)}, validation ${percent(validation.value)}`);
    },
  });
  const threads = args.threads === undefined ? {} : { threads: args.threads };
  const test = await evaluate(model, task.test, { signal, onProgress, ...threads });
  await saveTrained(model, args.out);
  const result = {
    metric: "accuracy",
    validation: model.validation,
    test,
    trainableParameters: model.trainableParameters,
    seconds: model.seconds,
    peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
    placement: formatPlacement(placement),
    bestEpoch: model.bestEpoch,
    out: args.out,
  };
  await writeFileAtomic(join(args.out, RESULT_FILE), `${JSON.stringify({ schema: 1, ...result }, undefined, 2)}\n`);
  return result;
}

/** The placement `--place` asks for; scores are read or made only where the selector needs them. */
async function place({ args, signal, onProgress }: Context, backbone: Backbone, task: Task): Promise<Selection> {
  const { seed, threads, rank } = args;
  const scores =
    args.scores !== undefined
      ? parseScores(readJson(args.scores), args.scores)
      : needsScores(parseSelector(args.place))
        ? await scoreEdges(backbone, task, { seed, signal, onProgress, ...(threads !== undefined && { threads }) })
        : undefined;
  return select(args.place, { states: backbone.states.length, scores, seed, defaultRank: rank });
}

interface Result {
  readonly validation: { readonly value: number };
  readonly test: { readonly value: number };
  readonly trainableParameters: number;
  readonly seconds: number;
  readonly out: string;
}

function summary({ validation, test, trainableParameters, seconds, out }: Result): string {
  return [
    `accuracy ${percent(test.value)} on test, ${percent(validation.value)} on validation`,
    `${trainableParameters.toLocaleString("en")} trainable parameters, ${seconds.toFixed(1)} s`,
    "",
    "Use it (any ONNX Runtime, no graft needed):",
    `  const session = await ort.InferenceSession.create("${join(out, MODEL_FILE)}");`,
    "  const { logits } = await session.run({ [session.inputNames[0]]: pixels });",
    `or: npx graft predict --model ${out} picture.png`,
  ].join("\n");
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
