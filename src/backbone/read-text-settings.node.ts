import { join } from "node:path";
import { readFileChecked } from "../base/index.node.ts";
import { GraftError } from "../base/index.ts";
import type { Pooling } from "../objective/index.ts";
import { readTokenizer } from "../text/index.node.ts";
import type { Tokenizer } from "../text/index.ts";

export interface TextSettings {
  /** Undefined where the folder has no tokenizer.json. */
  readonly tokenizer?: Tokenizer;
  /** As sentence-transformers writes it. */
  readonly pooling?: Pooling;
}

/** Models whose positions start behind the padding id: they have two fewer than their table says. */
const OFFSET_POSITIONS = new Set(["roberta", "xlm-roberta", "camembert", "mpnet", "xlm-roberta-xl", "longformer"]);

/**
 * What a text model's folder says beside its weights: tokenizer, longest text and pooling.
 * @param fixedLength  tokens of every text, where the model's file fixes it: longer ones are cut to it
 * @throws GraftError CONFIG for a damaged file, and those of `readTokenizer`
 */
export async function readTextSettings(folder: string, fixedLength?: number): Promise<TextSettings> {
  const [config, sentence, pooling] = [
    await readJson(folder, "config.json"),
    await readJson(folder, "sentence_bert_config.json"),
    await readJson(folder, "1_Pooling/config.json"),
  ];
  const positions = numberAt(config, "max_position_embeddings");
  const offset = OFFSET_POSITIONS.has(String(config?.model_type)) ? 2 : 0;
  const limits = [fixedLength, numberAt(sentence, "max_seq_length"), positions && positions - offset].filter(
    (limit) => limit !== undefined,
  );
  const maxLength = limits.length > 0 ? Math.min(...limits) : undefined;
  const tokenizer = await readTokenizer(folder, { maxLength }).catch((error) => {
    if (error instanceof GraftError && error.code === "TOKENIZER_MISSING") return undefined;
    throw error;
  });
  return { tokenizer, pooling: poolingIn(pooling) };
}

function poolingIn(config: Readonly<Record<string, unknown>> | undefined): Pooling | undefined {
  if (config?.pooling_mode_cls_token === true) return "cls";
  if (config?.pooling_mode_mean_tokens === true) return "mean";
  return config?.pooling_mode_lasttoken === true ? "last" : undefined;
}

function numberAt(config: Readonly<Record<string, unknown>> | undefined, key: string): number | undefined {
  const value = config?.[key];
  return typeof value === "number" && Number.isInteger(value) && value > 0 ? value : undefined;
}

async function readJson(folder: string, name: string): Promise<Record<string, unknown> | undefined> {
  const path = join(folder, name);
  const bytes = await readFileChecked(path).catch((error) => {
    if (error instanceof GraftError && error.code === "FILE_MISSING") return undefined;
    throw error;
  });
  if (!bytes) return undefined;
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
  } catch (cause) {
    throw new GraftError("CONFIG", {
      thing: name,
      place: `${path} is not JSON`,
      remedy: "Fetch the file again",
      cause,
    });
  }
}
