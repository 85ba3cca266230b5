import * as z from "zod";
import { stageFile, writeFileAtomic } from "../../base/index.node.ts";
import { checkMethods, parseMethods, parseReference, USUAL_METHODS } from "../../comparison/index.ts";
import { GraftError, metricName, TrainOptions } from "../../node.ts";
import {
  countCurvesSvg,
  hasCurves,
  methodsCsv,
  methodsHtml,
  methodsLegend,
  methodsTable,
  terminalTable,
} from "../../report/index.ts";
import { adapterArgs, adapterOptions, argsOf, commonArgs, dataArgs, modelArgs, pick } from "../arguments.ts";
import { compareTask } from "../compare-task.ts";
import { defineCommand } from "../define-command.ts";
import { inGroup } from "../flags.ts";
import { checkData, openData, openModel } from "../open.ts";

const UnseededOptions = TrainOptions.omit({ seed: true });
const { learningRate, ...trainingArgs } = argsOf(UnseededOptions);

const shape = {
  ...modelArgs,
  ...dataArgs,
  ...inGroup("Comparison", {
    methods: z
      .string()
      .optional()
      .meta({
        description: `what to compare, with spaces or semicolons between: knn, or what \`graft train --method list\` shows (default: "${USUAL_METHODS.join(" ")}")`,
        value: "list",
      }),
    seeds: z
      .array(z.int().min(0))
      .min(1)
      .default([0, 1, 2])
      .meta({ description: "seeds of data, start and order; differences are paired over them", value: "n,…" }),
    reference: z
      .string()
      .min(1)
      .default("linear")
      .meta({ description: "what others are compared with", value: "method" }),
    lrTrials: z.int().min(1).max(15).default(3).meta({
      description: "learning rates tried for each method, on validation, √10 apart around its own",
      value: "n",
    }),
    draws: z.int().min(1).default(1).meta({
      description: "placements drawn for each random row and seed; from 10 in all on, others are held against them",
      value: "n",
    }),
    out: z.string().min(1).default("graft-compare").meta({
      description: "folder for finished runs; the same command goes on where it stopped",
      value: "dir",
    }),
    csv: z.string().optional().meta({ description: "write the table as CSV", value: "file.csv" }),
    html: z.string().optional().meta({ description: "write a page with pictures and the table", value: "file.html" }),
    curves: z.string().optional().meta({
      description: "draw the metric by number of adapters, where a selector stands in the list with several",
      value: "file.svg",
    }),
  }),
  ...adapterArgs,
  ...inGroup("Training", {
    ...trainingArgs,
    learningRate: learningRate.describe("peak learning rate of adapters; other methods keep their ratio to it"),
  }),
  threads: modelArgs.threads,
  ...commonArgs,
};

export const compare = defineCommand({
  args: shape,
  examples: [
    "graft compare --task count",
    'graft compare --data tickets.csv --model ./minilm --methods "knn; lora:q,v; gga:3" --html a.html',
    "graft compare --task texture --seeds 0,1,2,3,4 --lr-trials 1 --csv texture.csv",
  ],
  async run(context) {
    const { print, note } = context;
    const args = { ...context.args, reference: parseReference(context.args.reference) };
    checkData(args);
    const asked = parseMethods(args.methods ?? USUAL_METHODS.join(" "));
    if (new Set(args.seeds).size < args.seeds.length)
      throw new GraftError("USAGE", { thing: "--seeds", place: "a seed stands in it twice", remedy: "Give each once" });
    if (args.curves !== undefined && !hasCurves(asked))
      throw new GraftError("USAGE", {
        thing: "--curves",
        place: "no selector stands in --methods with several numbers of adapters",
        remedy: 'Give one several, as in --methods "gga:1; gga:3; gga:12"',
      });
    for (const file of [args.csv, args.html, args.curves]) if (file !== undefined) await checkWritable(file);
    // Each run opens model and data anew, and has the same to tell of them.
    const once = { ...context, note: noteOnce(note) };
    const backbone = await openModel(args, once);
    const task = await openData({ ...args, seed: args.seeds[0] }, backbone, once);
    const settings = { adapter: adapterOptions(args), rank: args.rank, options: pick(UnseededOptions, args) };
    const methods = checkMethods(asked, backbone, task, {
      ...settings,
      reference: args.reference,
      onUnsuited: args.methods === undefined ? note : undefined,
    });
    const { comparison, runsDoneNow } = await compareTask(once, backbone, task, { args, methods, settings });
    const metric = metricName(task.goal);
    const title = `${backbone.name} on ${task.name}: ${metric}`;
    print(
      { type: "result", metric, task: task.name, model: backbone.name, ...comparison, out: args.out, runsDoneNow },
      () => [title, "", terminalTable(methodsTable(comparison, metric)), ...methodsLegend(comparison)].join("\n"),
    );
    const write = async (file: string | undefined, make: () => string | undefined) => {
      const text = file === undefined ? undefined : make();
      if (text === undefined) return;
      await writeFileAtomic(file!, text);
      note(`wrote ${file}`);
    };
    await write(args.csv, () => methodsCsv(comparison, metric));
    await write(args.html, () => methodsHtml(comparison, metric, title));
    // No curve is left where the runs of one failed.
    await write(args.curves, () => countCurvesSvg(comparison, metric, title));
  },
});

function noteOnce(note: (text: string) => void): (text: string) => void {
  const told = new Set<string>();
  return (text) => {
    if (!told.has(text)) note(text);
    told.add(text);
  };
}

/** See that a file can be written before the work that fills it. Throws FILE_*. */
async function checkWritable(file: string): Promise<void> {
  const staged = await stageFile(file, "");
  await staged.discard();
}
