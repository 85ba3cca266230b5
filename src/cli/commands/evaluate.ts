import * as z from "zod";
import { evaluate as evaluateModel, GraftError, type Task } from "../../node.ts";
import type { Classifier } from "../../training/index.ts";
import { commonArgs, dataArgs, seedArgs, trainedArgs } from "../arguments.ts";
import { defineCommand } from "../define-command.ts";
import { checkData, openData, openTrainedModel } from "../open.ts";

export const evaluate = defineCommand({
  args: {
    ...trainedArgs,
    ...dataArgs,
    split: z.enum(["train", "validation", "test"]).default("test").describe("which examples"),
    ...seedArgs,
    ...commonArgs,
  },
  examples: ["graft evaluate --model ./count --task count"],
  async run(context) {
    const { args, signal, onProgress, print } = context;
    checkData(args);
    const model = await openTrainedModel(args, context);
    const task = await openData(args, model.backbone, context);
    checkClasses(model, task);
    const { split, threads } = args;
    const { loss, value } = await evaluateModel(model, task[split], {
      signal,
      onProgress,
      ...(threads !== undefined && { threads }),
    });
    const result = { metric: "accuracy", split, loss, value, examples: task[split].count };
    print(
      result,
      () => `accuracy ${(100 * value).toFixed(1)} % on ${task[split].count} ${split} images, loss ${loss.toFixed(4)}`,
    );
  },
});

/** Labels are numbers by class order: the same classes in another order would be scored wrongly without a word. */
function checkClasses({ spec }: Classifier, task: Task): void {
  if (JSON.stringify(spec.classes) === JSON.stringify(task.classes)) return;
  throw new GraftError("CLASS_MISMATCH", {
    thing: `task "${task.name}"`,
    place: `its classes are ${brief(task.classes)}, the model knows ${brief(spec.classes)}`,
    remedy: "Evaluate on the task the model was trained for",
  });
}

const brief = (classes: readonly string[]) =>
  classes.length > 6 ? `${classes.slice(0, 6).join(", ")} and ${classes.length - 6} more` : classes.join(", ");
