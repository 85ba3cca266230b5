import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parsePlacement } from "../../src/adapters/index.ts";
import type { Backbone } from "../../src/backbone/index.ts";
import { encodeSafetensors } from "../../src/formats/index.ts";
import { type TunedSpec, tunedParameters } from "../../src/methods/index.ts";
import { openBackbone } from "../../src/node.ts";
import type { Pooling } from "../../src/objective/index.ts";
import type { Goal, ImageSplit, TextSplit } from "../../src/tasks/index.ts";
import type { Encoding } from "../../src/text/index.ts";
import { outputsOf, type TunedModel } from "../../src/training/index.ts";
import { trainedTensors } from "./tiny-runs.ts";
import { tinyBertConfig, tinyBertWeights } from "./tiny-text.ts";

/** One of every kind of goal. */
export const GOALS = {
  classify: { kind: "classify", classes: ["billing", "bug", "praise"] },
  multi_label: { kind: "multi_label", classes: ["urgent", "angry", "long"] },
  regress: { kind: "regress", names: ["stars", "words"], center: [3, 50], scale: [1.5, 20] },
  tokens: { kind: "tokens", classes: ["O", "B-PLACE", "I-PLACE"] },
  pair_score: { kind: "pair_score" },
  triplet: { kind: "triplet" },
} as const satisfies { [Kind in Goal["kind"]]: Goal & { kind: Kind } };

/** Of several lengths; the last one is longer than the model takes. */
export const TEXTS = [
  "a text",
  "the quick brown fox jumps over the lazy dog.",
  "Hello, world!",
  "one",
  "it was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness",
] as const;

/** A small BERT in a folder as `save_pretrained` lays it out: 32 positions, a tokenizer that says 512. */
export async function textBackbone(folder: string, options: { readonly pooling?: Pooling } = {}): Promise<Backbone> {
  const files = JSON.parse(readFileSync("test/fixtures/tokenizers/bert.json", "utf8"));
  const config = tinyBertConfig(files.vocabularySize);
  mkdirSync(folder, { recursive: true });
  const write = (name: string, content: unknown) => writeFileSync(join(folder, name), JSON.stringify(content));
  write("config.json", { ...config, architectures: ["BertModel"], id2label: { 0: "old" }, note: "kept" });
  write("tokenizer.json", files.tokenizer);
  write("tokenizer_config.json", files.config);
  write("special_tokens_map.json", files.specialTokens);
  writeFileSync(join(folder, "model.safetensors"), encodeSafetensors(tinyBertWeights(config)));
  return openBackbone(folder, options);
}

/** As if trained for a goal: every parameter random, so that each adapter matters. */
export function modelFor(backbone: Backbone, goal: Goal): TunedModel {
  const placement = parsePlacement("1-2,3-0,2-2", { states: backbone.states.length, defaultRank: 2 });
  const spec: TunedSpec = { method: { kind: "adapters", placement, adapter: {} }, goal };
  return { backbone, spec, tensors: trainedTensors(tunedParameters(backbone, spec), 3) };
}

/** What graft itself answers to texts, one row each ([tokens, classes] for tags). */
export async function answersTo(
  model: TunedModel,
  texts: readonly string[],
  pairs?: readonly string[],
): Promise<number[][]> {
  const tokenizer = model.backbone.tokenizer!;
  const encodings = texts.map((text, k) => tokenizer.encode(text, pairs?.[k]));
  const isTags = model.spec.goal.kind === "tokens";
  return Promise.all(
    encodings.map(async (encoding) => [
      ...(await outputsOf(model, textSplit(encoding, isTags, tokenizer), { threads: 1 })),
    ]),
  );
}

function textSplit(encoding: Encoding, isTags: boolean, padding: TextSplit["padding"]): TextSplit {
  return {
    kind: "text",
    count: 1,
    views: 1,
    isPair: false,
    encodings: () => [encoding],
    length: () => encoding.ids.length,
    padding,
    targets: isTags ? { kind: "tags", tags: () => new Int32Array(encoding.ids.length) } : { kind: "none" },
  };
}

/** What graft itself answers to pictures, [3, height, width] bytes each. */
export async function answersToPictures(model: TunedModel, pictures: readonly Uint8Array[]): Promise<number[][]> {
  const split: ImageSplit = {
    kind: "image",
    count: pictures.length,
    targets: { kind: "none" },
    pixels: (index) => pictures[index]!,
  };
  const outputs = await outputsOf(model, split, { threads: 1 });
  const width = outputs.length / pictures.length;
  return pictures.map((_, row) => [...outputs.subarray(row * width, (row + 1) * width)]);
}

export function softmax(logits: readonly number[]): number[] {
  const powers = logits.map((logit) => Math.exp(logit - Math.max(...logits)));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

export const sigmoid = (logits: readonly number[]): number[] => logits.map((logit) => 1 / (1 + Math.exp(-logit)));
