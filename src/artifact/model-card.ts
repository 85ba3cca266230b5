import { elementCount } from "../graph/index.ts";
import { describeMethod } from "../methods/index.ts";
import { type Goal, outputNames } from "../tasks/index.ts";
import type { TunedModel } from "../training/index.ts";
import type { ExportDtype } from "./quantize-export.ts";
import { pipelineTask, type UsageOptions, usageLines } from "./usage.ts";

/** The picture's file, beside the card. */
export const PICTURE_FILE = "placement.svg";

/** What a card says beyond the model itself. */
export interface TrainingInfo extends UsageOptions {
  /** What it was trained on, in a few words for people. */
  readonly data: string;
  /** Each on the test split, in the metric's own units; `base` is the best of what was measured before training. */
  readonly measures: readonly { readonly name: string; readonly base?: number; readonly tuned: number }[];
  /** What a reader must know before using it, e.g. that the base did better. */
  readonly warning?: string;
  /** Of training. */
  readonly seconds: number;
  /** How products with frozen weights were computed in training, in a few words; default float32. */
  readonly precision?: string;
  /** SVG of the adapters on the backbone; it is written beside the card, which shows it. */
  readonly picture?: string | undefined;
  /** The command line that repeats it. */
  readonly command?: string;
}

const GOALS: Readonly<Record<Goal["kind"], string>> = {
  classify: "one of these classes",
  multi_label: "any number of these classes",
  regress: "these numbers, in their own units",
  tokens: "one of these classes for each word",
  pair_score: "embeddings that are as similar as two texts were said to be",
  triplet: "embeddings in which a text lies nearest to what belongs to it",
};

const GRAFT = "[onnx-graft](https://www.npmjs.com/package/onnx-graft)";

/** `README.md` of a trained model, with the front matter that the Hugging Face hub reads. */
export function modelCard(model: TunedModel, folder: string, info?: TrainingInfo, dtype: ExportDtype = "fp32"): string {
  const { backbone, spec } = model;
  const task = pipelineTask(model, info);
  const base = /^hf:([^@]+)/.exec(backbone.source)?.[1];
  const hasAdapters = spec.method.kind === "adapters";
  const front = [
    "---",
    "library_name: transformers.js",
    ...(task === undefined ? [] : [`pipeline_tag: ${task}`]),
    ...(base === undefined ? [] : [`base_model: ${base}`]),
    `tags: [onnx, ${hasAdapters ? "adapters, " : ""}onnx-graft]`,
    "---",
  ];
  return `${front.join("\n")}

# ${backbone.name} ${hasAdapters ? "with adapters" : "fine-tuned"}

${base ? `[${base}](https://huggingface.co/${base})` : backbone.name}, ${hasAdapters ? `frozen, with adapters that ${GRAFT} placed and trained` : `fine-tuned by ${GRAFT}`}.
${hasAdapters ? "The weights of the model itself are unchanged: its licence holds." : "It is a work derived from that model, whose licence holds."}

- **It answers**: ${answers(spec.goal)}
${info ? `- **Data**: ${line(info.data)}\n` : ""}- **${spec.method.kind === "adapters" ? "Placement" : "Method"}**: ${methodLine(model)}
- **Trained**: ${[...model.tensors.values()].reduce((sum, { shape }) => sum + elementCount(shape), 0).toLocaleString("en")} parameters${info ? ` in ${seconds(info.seconds)}${info.precision ? `, over the frozen weights in ${line(info.precision)}` : ""}` : ""}
${info?.command ? `- **Command**: \`${line(info.command)}\`\n` : ""}${info?.picture ? `\n![Adapters as arcs over the blocks, from the hidden state they read to the one they add to](${PICTURE_FILE})\n` : ""}${info && info.measures.length > 0 ? `\n## What training was worth\n\n${measures(info)}${info.warning ? `\n**${line(info.warning)}**\n` : ""}` : ""}
## Use it

\`\`\`js
${usageLines(model, folder, info).join("\n")}
\`\`\`

${[DTYPE_NOTES[dtype], ...notes(model, task, info)].map((note) => `- ${note}`).join("\n")}
`;
}

const methodLine = ({ backbone, spec: { method } }: TunedModel) =>
  describeMethod(method) === "none"
    ? "none, the linear head alone"
    : method.kind === "adapters"
      ? `\`${describeMethod(method)}\` (from hidden state – to hidden state, rank), of ${backbone.states.length} hidden states`
      : describeMethod(method);

const line = (text: string) => text.replaceAll(/\s+/g, " ").trim();

function answers(goal: Goal): string {
  const names = outputNames(goal);
  if (names.length === 0) return GOALS[goal.kind];
  const shown = names.slice(0, 20).map((name) => `\`${line(name)}\``);
  const rest = names.length > shown.length ? `, and ${names.length - shown.length} more (see \`config.json\`)` : "";
  return `${GOALS[goal.kind]}: ${shown.join(", ")}${rest}`;
}

const seconds = (count: number) => (count < 90 ? `${count.toFixed(0)} s` : `${(count / 60).toFixed(0)} min`);
const figure = (value: number | undefined) => (value === undefined ? "" : String(Number(value.toPrecision(4))));

/** On test data. The base's column is left out where nothing was measured. */
function measures({ measures }: TrainingInfo): string {
  const hasBase = measures.some(({ base }) => base !== undefined);
  const row = (name: string, base: string, tuned: string) => `| ${name} | ${hasBase ? `${base} | ` : ""}${tuned} |\n`;
  return [
    row("on test", "base", "trained"),
    row("---", "---:", "---:"),
    ...measures.map(({ name, base, tuned }) => row(name, figure(base), figure(tuned))),
  ].join("");
}

const DTYPE_NOTES: Readonly<Record<ExportDtype, string>> = {
  fp32: '`config.json` asks for `onnx/model.onnx` (`dtype: "fp32"`) also on WASM, where Transformers.js takes a quantised file unless told.',
  q8: '`config.json` asks for `onnx/model_quantized.onnx` (`dtype: "q8"`): the frozen weights are int8, adapters and head float. `{ dtype: "fp32" }` takes `onnx/model.onnx`.',
};

/** What a user of the files can trip over. */
function notes({ backbone, spec: { goal } }: TunedModel, task: string | undefined, info?: TrainingInfo): string[] {
  const { input, tokenizer, pooling } = backbone;
  const notes = [
    "`adapters.json` and `adapters.safetensors` hold what was trained alone; `graft evaluate` and `graft export` read them.",
  ];
  notes.push("In a page, set `env.allowLocalModels = true` and give the folder's address below the page's own.");
  if (goal.kind === "regress")
    notes.push(
      "No classification pipeline fits numbers: its softmax makes 1 of a single one. The pipeline above returns them.",
    );
  if (goal.kind === "multi_label" && input.kind === "image")
    notes.push("`image-classification` would apply a softmax, as if one class excluded the others.");
  if (goal.kind === "tokens")
    notes.push(
      "Each word's answer is that of its first piece; the others were not trained. Of a text that is cut, the pipeline shows one piece too many, the last: leave it out.",
    );
  if (info?.pair && task === undefined && goal.kind !== "triplet" && goal.kind !== "pair_score")
    notes.push("It takes two texts at once, which no pipeline of Transformers.js does.");
  if ((goal.kind === "triplet" || goal.kind === "pair_score") && task === undefined)
    notes.push(`The graph's output \`sentence_embedding\` is pooled (${pooling}) and of length 1.`);
  if (input.kind === "text" && input.fixedLength !== undefined)
    notes.push(
      `The model takes exactly ${input.fixedLength} tokens: call the tokenizer with \`padding: "max_length", max_length: ${input.fixedLength}\`.`,
    );
  if (input.kind === "text" && backbone.folder === undefined)
    notes.push(
      "Its tokenizer's files did not come with the backbone: put `tokenizer.json` and `tokenizer_config.json` here.",
    );
  if (tokenizer && Number.isFinite(tokenizer.maxLength))
    notes.push(`What is behind ${tokenizer.maxLength} tokens of a text is not read.`);
  if (input.kind === "image")
    notes.push(
      "Pictures of another size are resized by Transformers.js in its own way (sharp in Node, the canvas in browsers): pixels differ from those it was measured with, most where its bilinear and bicubic filters shrink a picture, as they pick single pixels.",
    );
  return notes;
}
