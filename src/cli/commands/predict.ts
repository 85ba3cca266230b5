import * as z from "zod";
import { readDescription } from "../../artifact/index.node.ts";
import { commonArgs, trainedArgs } from "../arguments.ts";
import { defineCommand } from "../define-command.ts";
import { openTrainedModel } from "../open.ts";
import { type Prediction, predictions } from "../predictions.ts";

export const predict = defineCommand({
  args: {
    ...trainedArgs,
    inputs: z
      .array(z.string())
      .default([])
      .meta({ description: "pictures (png, jpg, webp), or texts", value: "picture or text" }),
    data: z
      .string()
      .min(1)
      .optional()
      .meta({ description: "texts from a .txt file, one a line, or a CSV, TSV, JSONL or Parquet file", value: "file" }),
    text: z
      .string()
      .min(1)
      .optional()
      .meta({ description: "a text; with --data the column that holds it", value: "text" }),
    textPair: z
      .string()
      .min(1)
      .optional()
      .meta({ description: "the second text of a pair; with --data its column", value: "text" }),
    tokens: z
      .string()
      .min(1)
      .optional()
      .meta({ description: "column of --data with a sentence's words", value: "column" }),
    top: z.int().min(1).default(1).meta({ description: "classes to show for each", value: "n" }),
    ...commonArgs,
  },
  positionals: ["inputs"],
  examples: [
    "graft predict --model ./photos-model cat.jpg dog.png",
    'graft predict --model ./tickets --text "The invoice is wrong" "I cannot log in"',
    "graft predict --model ./tickets --data new.csv --text body --json",
  ],
  async run(context) {
    const { args, signal, onProgress, print } = context;
    const model = await openTrainedModel(args, context);
    const { pair: isPair } = await readDescription(args.model);
    const all = await predictions(
      model,
      { ...args, isPair },
      {
        signal,
        onProgress: (progress) => onProgress({ ...progress, phase: "predict" }),
        threads: args.threads,
      },
    );
    const isThreshold = model.spec.goal.kind === "multi_label";
    const shown = all.map((each) => ("classes" in each ? { ...each, classes: each.classes.slice(0, args.top) } : each));
    // Of classes that do not exclude each other all are told; people are shown those that are likely.
    print({ predictions: isThreshold ? all : shown }, () =>
      (isThreshold ? all.map(likely) : shown).map(line).join("\n"),
    );
  },
});

const likely = (each: Prediction): Prediction =>
  "classes" in each ? { ...each, classes: each.classes.filter(({ probability }) => probability >= 0.5) } : each;

function line(prediction: Prediction): string {
  const name = "file" in prediction ? prediction.file : prediction.text;
  const answer =
    "classes" in prediction
      ? prediction.classes.map((c) => `${c.label} ${(100 * c.probability).toFixed(1)} %`).join(", ") || "none"
      : "numbers" in prediction
        ? Object.entries(prediction.numbers)
            .map(([key, value]) => `${key} ${Number(value.toPrecision(5))}`)
            .join(", ")
        : prediction.words.map(({ word, tag }) => `${word}/${tag ?? "?"}`).join(" ");
  return `${name.replace(/\s+/g, " ")}\t${answer}`;
}
