import { GraftError } from "../base/index.ts";
import { outputLevel } from "../objective/index.ts";
import type { TunedModel } from "../training/index.ts";
import { type Json, type Loading, pipelineConfig, sentenceFiles } from "./pipeline-config.ts";
import { preprocessorConfig } from "./preprocessor-config.ts";
import { tokenizerConfig } from "./tokenizer-config.ts";

/** Files of a backbone's own folder that go along. */
export const OWN_FILES = {
  config: "config.json",
  tokenizer: "tokenizer.json",
  tokenizerConfig: "tokenizer_config.json",
  specialTokens: "special_tokens_map.json",
} as const;

/** Their content, where it has them. */
export type OwnFiles = { readonly [K in keyof typeof OWN_FILES]?: Uint8Array };

/** What `sentenceFiles` makes. */
export const SENTENCE_FILES = ["1_Pooling/config.json", "modules.json", "sentence_bert_config.json"] as const;

/**
 * What Transformers.js reads beside the model, by path. The tokenizer's files are the backbone's, byte for byte, but for
 * keys of `tokenizer_config.json` without which texts would be cut or padded in another way than in training.
 * @throws GraftError CONFIG for a file of the backbone that is no JSON
 */
export function pipelineFiles(
  model: TunedModel,
  own: OwnFiles,
  loading: Loading = { dtype: "fp32", big: [] },
): Map<string, string | Uint8Array> {
  const { backbone, spec } = model;
  const files = new Map<string, string | Uint8Array>();
  files.set(OWN_FILES.config, encoded(pipelineConfig(model, parsed(own, "config"), loading)));
  if (backbone.input.kind === "image")
    files.set("preprocessor_config.json", encoded(preprocessorConfig(backbone.input)));
  if (own.tokenizer && backbone.tokenizer) {
    files.set(OWN_FILES.tokenizer, own.tokenizer);
    const config = parsed(own, "tokenizerConfig");
    const needed = tokenizerConfig(config, parsed(own, "tokenizer")!, backbone.tokenizer);
    files.set(OWN_FILES.tokenizerConfig, needed === config ? own.tokenizerConfig! : encoded(needed));
    if (own.specialTokens) files.set(OWN_FILES.specialTokens, own.specialTokens);
  }
  if (backbone.input.kind === "text" && outputLevel(spec.goal) === "embedding")
    for (const [path, content] of Object.entries(sentenceFiles(backbone))) files.set(path, encoded(content));
  return files;
}

const encoded = (content: unknown): string => `${JSON.stringify(content, undefined, 2)}\n`;

function parsed(own: OwnFiles, key: keyof OwnFiles): Json | undefined {
  const bytes = own[key];
  if (bytes === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof value === "object" && value !== null) return value as Json;
  } catch {
    // Said below.
  }
  throw new GraftError("CONFIG", {
    thing: OWN_FILES[key],
    place: "the file that came with the backbone is no JSON object",
    remedy: "Fetch the model again",
  });
}
