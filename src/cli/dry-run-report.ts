import { roughDuration } from "../base/index.ts";
import { terminalTable } from "../report/index.ts";
import { describeGoal } from "../tasks/index.ts";
import type { DryRun } from "./dry-run.ts";
import { describeMemory } from "./memory.ts";
import { describeTrained } from "./train-task.ts";

/** Rows of the preview, and classes that are shown. */
const EXAMPLES = 3;
const CLASSES = 10;

/** A dry run for people: model, data, what would be trained, what it would cost. */
export function dryRunReport({ model, data, training, memory, cost }: DryRun): string {
  return [
    "Model",
    ...indented(
      `${model.name} from ${model.source}`,
      `${model.blocks} blocks, ${model.states} hidden states of size ${model.hiddenSize} (${model.normPosition}-norm), pooling ${model.pooling}`,
      `takes ${model.input.kind === "text" ? "texts" : `pictures of ${model.input.height} × ${model.input.width}`}; ${megabytes(model.weightBytes)} of frozen weights`,
    ),
    "",
    "Data",
    ...indented(
      `${data.title}: ${describeGoal(data.goal)}`,
      `${count(data.counts.train)} training, ${count(data.counts.validation)} validation, ${count(data.counts.test)} test examples`,
      ...preview(data),
    ),
    "",
    "Training",
    ...indented(
      `${describeTrained(training.place, training.placement)}${training.isAssumed ? `, assumed (the dearest there are, or such as keep to the budget): ${training.place} chooses by scores or trainings, which only a training makes` : ""}`,
      `${count(training.trainableParameters)} trainable parameters, head included`,
      ...tensorLines(training),
      `${training.epochs} ${training.epochs === 1 ? "epoch" : "epochs"}, ${count(training.steps)} steps of ${training.batchSize} examples`,
      ...(training.backbonePrecision === "int8"
        ? ["frozen products in int8 (--backbone-precision fp32 does without)"]
        : []),
    ),
    "",
    "Cost on this machine, from steps that were timed",
    ...indented(
      `${training.isAssumed ? "at most" : "about"} ${roughDuration(cost.secondsTotal)}: base ${roughDuration(cost.secondsBase)}, ${
        cost.secondsScoring === undefined ? "" : `scoring ${roughDuration(cost.secondsScoring)}, `
      }${cost.secondsTrials === undefined ? "" : `trainings that choose edges ${roughDuration(cost.secondsTrials)}, `}training ${roughDuration(cost.secondsTraining)} (${(1000 * cost.stepSeconds).toFixed(0)} ms a step)`,
      `about ${megabytes(cost.memoryBytes)} of memory`,
      describeMemory(memory),
    ),
    "",
    "Nothing was trained and nothing written. Leave --dry-run out to train.",
    "",
  ].join("\n");
}

/** Most tensors that are shown; JSON has them all. */
const TENSORS = 12;

/** Which tensors are trained, so that nobody trains what they did not mean. */
function tensorLines({ tensors }: DryRun["training"]): string[] {
  const shown = tensors.slice(0, TENSORS).map(({ name, shape }) => `${name} [${shape.join(", ")}]`);
  const rest =
    tensors.length > shown.length ? [`and ${tensors.length - shown.length} more (--json lists them all)`] : [];
  return indented(...shown, ...rest);
}

/** The first rows as they were understood, and how many examples each class has. */
function preview({ rows, classes = [] }: DryRun["data"]): string[] {
  const examples = rows?.examples.slice(0, EXAMPLES) ?? [];
  const inputs = Math.max(0, ...examples.map((example) => example.inputs.length));
  const shownRows = terminalTable({
    columns: [
      { title: "row" },
      ...Array.from({ length: inputs }, (_, k) => ({ title: inputs === 1 ? "input" : `input ${k + 1}` })),
      { title: "target" },
    ],
    rows: examples.map((example) => [
      example.place,
      ...Array.from({ length: inputs }, (_, k) => example.inputs[k] ?? ""),
      example.target,
    ]),
  });
  const shownClasses = terminalTable({
    columns: [
      { title: "class" },
      ...["train", "validation", "test"].map((title) => ({ title, align: "right" as const })),
    ],
    rows: classes
      .slice(0, CLASSES)
      .map((each) => [each.name, count(each.train), count(each.validation), count(each.test)]),
  });
  return [
    ...(examples.length > 0 ? ["", ...shownRows.trimEnd().split("\n")] : []),
    ...(classes.length > 0 ? ["", ...shownClasses.trimEnd().split("\n")] : []),
    ...(classes.length > CLASSES ? [`and ${classes.length - CLASSES} more classes`] : []),
  ];
}

const indented = (...lines: string[]) => lines.map((line) => (line === "" ? "" : `  ${line}`));

const count = (value: number) => value.toLocaleString("en");

const megabytes = (bytes: number) => `${count(Math.round(bytes / 1e6))} MB`;
