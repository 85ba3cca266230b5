import * as z from "zod";
import { quantizeExport } from "../../artifact/index.ts";
import { evaluate as evaluateModel, type Goal, GraftError, metricName, outputNames, type Task } from "../../node.ts";
import { describeGoal } from "../../tasks/index.ts";
import type { TunedModel } from "../../training/index.ts";
import { commonArgs, dataArgs, exportArgs, seedArgs, trainedArgs } from "../arguments.ts";
import { defineCommand } from "../define-command.ts";
import { checkData, openData, openTrainedModel } from "../open.ts";
import { readResult } from "../read-result.ts";
import { showMetric } from "../show-metric.ts";

export const evaluate = defineCommand({
  args: {
    ...trainedArgs,
    ...dataArgs,
    split: z.enum(["train", "validation", "test"]).default("test").describe("which examples"),
    seed: seedArgs.seed.unwrap().optional().meta({
      description: "seed of the data (default: the training's, so that test examples are none it saw)",
      value: "n",
    }),
    ...exportArgs,
    ...commonArgs,
  },
  examples: ["graft evaluate --model ./count --task count"],
  async run(context) {
    const { args, signal, onProgress, print } = context;
    checkData(args);
    const model = await openTrainedModel(args, context);
    const { seed = (await readResult(args.model)).seed } = args;
    const task = await openData({ ...args, seed }, model.backbone, context);
    checkClasses(model, task);
    const { split, threads } = args;
    const { loss, value } = await evaluateModel(args.outDtype === "q8" ? quantizeExport(model) : model, task[split], {
      signal,
      onProgress,
      threads,
    });
    const metric = metricName(task.goal);
    const result = { metric, split, loss, value, examples: task[split].count };
    print(
      result,
      () => `${metric} ${showMetric(metric, value)} on ${task[split].count} ${split} examples, loss ${loss.toFixed(4)}`,
    );
  },
});

/** Labels are numbers by class order: the same classes in another order would be scored wrongly without a word. */
function checkClasses({ spec }: TunedModel, task: Task): void {
  const same = (key: (goal: Goal) => unknown) => JSON.stringify(key(spec.goal)) === JSON.stringify(key(task.goal));
  if (same(({ kind }) => kind) && same(outputNames)) return;
  throw new GraftError("CLASS_MISMATCH", {
    thing: `task "${task.name}"`,
    place: `it is ${describeGoal(task.goal)}, the model was trained for ${describeGoal(spec.goal)}`,
    remedy: "Evaluate on the task the model was trained for",
  });
}
