import { readFileChecked } from "../base/index.node.ts";
import { type Goal, GraftError, outputNames, outputsOf } from "../node.ts";
import { type Answer, answerOf } from "../objective/index.ts";
import { openDataset } from "../tables/index.node.ts";
import { readTexts, type TextExample } from "../tables/index.ts";
import { openImages } from "../tasks/index.node.ts";
import { openTexts } from "../tasks/index.ts";
import type { EvaluateOptions, TunedModel } from "../training/index.ts";

/** What `graft predict` was given. */
export interface PredictArgs {
  readonly model: string;
  /** Pictures' files, or texts. */
  readonly inputs: readonly string[];
  readonly data?: string;
  /** A text; with `data` the column that holds it. */
  readonly text?: string;
  readonly textPair?: string;
  readonly tokens?: string;
  /** The model was trained on pairs of texts. */
  readonly isPair?: boolean;
}

type TaggedWord = { readonly word: string; readonly tag: string | null; readonly probability?: number };

/** A picture or text with its answer; `words` where each has a tag of its own, null if it was cut off. */
export type Prediction = ({ readonly file: string } | { readonly text: string; readonly textPair?: string }) &
  (Answer | { readonly words: readonly TaggedWord[] });

/**
 * Use a trained model on pictures or texts.
 * @throws GraftError USAGE, DATA_MISMATCH, and what reading pictures or tables throws
 */
export async function predictions(
  model: TunedModel,
  args: PredictArgs,
  options: EvaluateOptions,
): Promise<readonly Prediction[]> {
  const { backbone, spec } = model;
  const width = outputNames(spec.goal).length;
  if (width === 0)
    throw new GraftError("USAGE", {
      thing: `graft predict --model ${args.model}`,
      place: "it was trained to embed, and answers with vectors",
      remedy: "Use it as its README.md says",
    });
  checkInputs(args, backbone.input.kind);
  const rowOf = (outputs: Float32Array, row: number) => outputs.subarray(row * width, (row + 1) * width);
  if (backbone.input.kind === "image") {
    const outputs = await outputsOf(model, await openImages(args.inputs, backbone.input), options);
    return args.inputs.map((file, row) => ({ file, ...answerOf(spec.goal, rowOf(outputs, row)) }));
  }
  const isTagged = spec.goal.kind === "tokens";
  const examples = await examplesOf(args, isTagged, options.signal);
  if (args.isPair) checkPairs(args, examples);
  const { split, words } = openTexts(examples, backbone.tokenizer);
  const outputs = await outputsOf(model, split, options);
  let row = 0;
  return examples.map(({ text = "", textPair, words: all }, index): Prediction => {
    if (all === undefined) return { text, textPair, ...answerOf(spec.goal, rowOf(outputs, row++)) };
    const tagged: TaggedWord[] = all.map((word) => ({ word, tag: null }));
    for (const word of words(index)) tagged[word] = { word: all[word]!, ...tagOf(spec.goal, rowOf(outputs, row++)) };
    return { text: all.join(" "), words: tagged };
  });
}

/** What a model of pairs would answer to a single text means nothing. */
function checkPairs({ model, data }: PredictArgs, examples: readonly TextExample[]): void {
  if (examples.every(({ textPair }) => textPair !== undefined)) return;
  throw new GraftError("DATA_MISMATCH", {
    thing: data ?? "a text alone",
    place: `model ${model} was trained on pairs of texts`,
    remedy:
      data === undefined
        ? 'Give the second text too: graft predict --model DIR --text "a text" --text-pair "its pair"'
        : "Name the column of the second texts: --text-pair COLUMN",
  });
}

function tagOf(goal: Goal, outputs: Float32Array): { tag: string; probability: number } {
  const answer = answerOf(goal, outputs);
  if (!("classes" in answer)) throw new TypeError(`a goal of ${goal.kind} has no tags`);
  const { label, probability } = answer.classes[0]!;
  return { tag: label, probability };
}

/** Texts as given, or those of a file. */
async function examplesOf(
  { inputs, data, text, textPair, tokens }: PredictArgs,
  asWords: boolean,
  signal?: AbortSignal,
): Promise<TextExample[]> {
  if (data === undefined) {
    const texts = [...(text === undefined ? [] : [text]), ...inputs];
    return texts.map((each) => exampleOf(each, asWords, textPair));
  }
  if (!data.toLowerCase().endsWith(".txt"))
    return readTexts((await openDataset(data)).splits.train, { text, textPair, tokens }, asWords, signal);
  const lines = new TextDecoder()
    .decode(await readFileChecked(data))
    .split(/\r?\n/)
    .filter((line) => line.trim() !== "");
  if (lines.length > 0) return lines.map((line) => exampleOf(line, asWords));
  throw new GraftError("EMPTY_SPLIT", { thing: data, place: "it has no lines", remedy: "Write a text a line" });
}

const exampleOf = (text: string, asWords: boolean, textPair?: string): TextExample =>
  asWords ? { words: text.trim().split(/\s+/) } : { text, textPair };

const PICTURE = /\.(png|jpe?g|webp|gif|bmp|tiff?|avif)$/i;

/** Pictures go to models of pictures, texts to those of texts, and something must be given. */
function checkInputs({ model, inputs, data, text, textPair, tokens }: PredictArgs, kind: "image" | "text"): void {
  const takes = kind === "image" ? "pictures" : "texts";
  const mismatch = (given: string, remedy: string) =>
    new GraftError("DATA_MISMATCH", { thing: given, place: `model ${model} takes ${takes}`, remedy });
  if (kind === "image") {
    const flags = { "--text": text, "--text-pair": textPair, "--tokens": tokens, "--data": data };
    const flag = Object.entries(flags).find(([, value]) => value !== undefined);
    if (flag) throw mismatch(flag[0], "Name the files of pictures: graft predict --model DIR cat.jpg dog.png");
  }
  const picture = kind === "text" ? [...inputs, text ?? ""].find((each) => PICTURE.test(each)) : undefined;
  if (picture) throw mismatch(`picture ${picture}`, 'Give texts: graft predict --model DIR --text "a text" "another"');
  const place =
    data !== undefined && inputs.length > 0
      ? `both --data and "${inputs[0]}" are given`
      : data === undefined && text === undefined && inputs.length === 0
        ? `graft predict needs ${takes}, and there are none`
        : textPair !== undefined && data === undefined && inputs.length + (text === undefined ? 0 : 1) !== 1
          ? "--text-pair needs exactly one text to go with"
          : undefined;
  if (place === undefined) return;
  throw new GraftError("USAGE", {
    thing: "INPUTS",
    place,
    remedy: "`graft predict --help` shows what it takes",
  });
}
