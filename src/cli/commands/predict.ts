import * as z from "zod";
import { GraftError, outputNames, outputsOf } from "../../node.ts";
import { openImages } from "../../tasks/index.node.ts";
import { commonArgs, trainedArgs } from "../arguments.ts";
import { defineCommand } from "../define-command.ts";
import { openTrainedModel } from "../open.ts";

export const predict = defineCommand({
  args: {
    ...trainedArgs,
    files: z.array(z.string()).min(1).meta({ description: "pictures (png, jpg, webp)", value: "file" }),
    top: z.int().min(1).default(1).meta({ description: "classes to show for each picture", value: "n" }),
    ...commonArgs,
  },
  positionals: ["files"],
  examples: ["graft predict --model ./photos-model cat.jpg dog.png"],
  async run(context) {
    const { args, signal, onProgress, print } = context;
    const model = await openTrainedModel(args, context);
    const { input } = model.backbone;
    if (input.kind !== "image" || model.spec.goal.kind !== "classify")
      throw new GraftError("USAGE", {
        thing: `graft predict --model ${args.model}`,
        place: "it was trained for something else than classes of pictures",
        remedy: "Use it as its README.md says",
      });
    const images = await openImages(args.files, input);
    const logits = await outputsOf(model, images, {
      signal,
      onProgress: (progress) => onProgress({ ...progress, phase: "predict" }),
      threads: args.threads,
    });
    const classes = outputNames(model.spec.goal);
    const predictions = args.files.map((file, row) => ({
      file,
      classes: topClasses(logits.subarray(row * classes.length, (row + 1) * classes.length), classes, args.top),
    }));
    print({ predictions }, () =>
      predictions
        .map(
          ({ file, classes }) =>
            `${file}\t${classes.map((c) => `${c.label} ${(100 * c.probability).toFixed(1)} %`).join(", ")}`,
        )
        .join("\n"),
    );
  },
});

/** The likeliest classes first. Softmax over [classes]. */
function topClasses(logits: Float32Array, classes: readonly string[], count: number) {
  const max = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const powers = Array.from(logits, (logit) => Math.exp(logit - max));
  const sum = powers.reduce((a, b) => a + b, 0);
  return classes
    .map((label, k) => ({ label, probability: powers[k]! / sum }))
    .sort((a, b) => b.probability - a.probability)
    .slice(0, count);
}
