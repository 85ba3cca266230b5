import * as z from "zod";
import { terminalTable } from "../../report/index.ts";
import { type ExperimentName, experiments } from "../../study/index.ts";
import { commonArgs, modelArgs } from "../arguments.ts";
import { type Command, defineCommand } from "../define-command.ts";
import { inGroup } from "../flags.ts";
import { type PaperTask, paperTask } from "../paper-task.ts";

const number = (description: string) => z.int().min(1).optional().meta({ description, value: "n" });

/** Flags that make sense for some experiments alone. */
const own: Readonly<Record<(typeof experiments)[ExperimentName]["study"], z.ZodRawShape>> = {
  places: { rank: number("rank of the adapter (default: 32)") },
  edges: {
    rank: number("rank of the adapter (default: 32)"),
    stride: number("edges between every so many states (default: 3)"),
  },
  random: {
    rank: number("rank of the adapters (default: 8)"),
    draws: number("draws a task (default: 50)"),
    testSeeds: z.int().min(0).default(3).meta({
      description: "trainings of the chosen draw that meet the test split, once all draws are done",
      value: "n",
    }),
  },
  baselines: {
    rank: number("rank of methods with many adapters (default: 8)"),
    draws: number("random draws a task (default: 3)"),
  },
};

/** `graft paper NAME`: an experiment of the paper as a study. */
export function paperCommand(name: ExperimentName): Command {
  const { study } = experiments[name];
  return defineCommand({
    args: {
      ...inGroup("Experiment", {
        tasks: z
          .array(z.string().min(1))
          .min(1)
          .optional()
          .meta({ description: "generated tasks by name, or paths of data", value: "task,…" }),
        seeds: number("trainings of each trial"),
        ...own[study],
        epochs: number("passes over the training examples (default: 4)"),
        trainSize: number("training images of a generated task (default: 4,000)"),
        measureSize: z.int().min(0).optional().meta({
          description: "validation images of a generated task that measure (default: 2,000; of data none)",
          value: "n",
        }),
      }),
      model: modelArgs.model.unwrap().optional().meta({
        description: "hf:org/name, an ONNX file, a folder with one, or builtin:vit (default)",
        value: "model",
        group: "Model",
      }),
      dtype: modelArgs.dtype,
      ...inGroup("Study", {
        out: z
          .string()
          .min(1)
          .default(`graft-paper/${study}`)
          .meta({ description: "folder of the study; the same command goes on where it stopped", value: "dir" }),
        from: z.string().min(1).optional().meta({ description: "go on with an exported study", value: "file.jsonl" }),
        look: z.boolean().default(false).describe("train nothing: show and write what there is, also while it runs"),
        workers: number("processes (default: one for each core)"),
        queue: z
          .string()
          .optional()
          .meta({ description: "let `graft worker` processes train, wherever they are", value: "redis://…" }),
      }),
      ...commonArgs,
    },
    examples: [`graft paper ${name}`, `graft paper ${name} --model ./minilm --tasks tickets.csv,spam.csv`],
    async run(context) {
      // Which flags there are depends on the experiment, which the compiler does not follow.
      const { end, report, unfinished, files } = await paperTask(name, context.args as PaperTask, context);
      const { verdicts, tables } = report;
      context.print({ experiment: name, end, verdicts, tables, files, unfinished }, () =>
        [
          ...tables
            .filter(({ table }) => table.rows.length > 0)
            .map(({ title, table }) => `${title}\n\n${terminalTable(table)}`),
          ...verdicts.map(({ claim, outcome, because }) => `${outcome.toUpperCase()}: ${claim}\n  ${because}\n`),
          ...(unfinished === undefined
            ? []
            : [`Not at its end (${unfinished}): until then every claim stays unclear\n`]),
          `Tables, pictures, CSV and export: ${files.join(", ")}`,
        ].join("\n"),
      );
    },
  });
}
