import type { Tokenizer } from "../text/index.ts";
import type { Json } from "./pipeline-config.ts";

const TOKENS = ["bos", "eos", "unk", "sep", "pad", "cls", "mask"].map((name) => `${name}_token`);

/**
 * A `tokenizer_config.json` with which Transformers.js cuts and pads as the model was trained: it looks nowhere else for
 * the longest text, the padding token and its side, and refuses tokens given as plain objects.
 * @param own        the model's own, undefined where it has none
 * @param tokenizer  its `tokenizer.json`
 * @returns          `own` itself where that says it all
 */
export function tokenizerConfig(own: Json | undefined, file: Json, tokenizer: Tokenizer): Json {
  const plain = TOKENS.flatMap((key) => {
    const content = contentOf(own?.[key]);
    return content === undefined ? [] : [[key, content] as const];
  });
  const changes: Record<string, unknown> = Object.fromEntries(plain);
  if (own === undefined) changes.tokenizer_class = "PreTrainedTokenizer";
  const { maxLength, paddingSide, padId } = tokenizer;
  if (Number.isFinite(maxLength) && own?.model_max_length !== maxLength) changes.model_max_length = maxLength;
  if ((own?.padding_side ?? "right") !== paddingSide) changes.padding_side = paddingSide;
  if (!own?.pad_token) changes.pad_token = tokenOf(file, padId);
  return own !== undefined && Object.keys(changes).length === 0 ? own : { ...own, ...changes };
}

/** The text of a token written as an object without the mark that Transformers.js asks for. */
function contentOf(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null || "__type" in value) return undefined;
  return "content" in value && typeof value.content === "string" ? value.content : undefined;
}

function tokenOf(file: Json, id: number): string | undefined {
  const added = file.added_tokens;
  const found = Array.isArray(added) ? added.find((token: { id?: unknown }) => token.id === id) : undefined;
  if (typeof found?.content === "string") return found.content;
  const vocabulary = (file.model as { vocab?: unknown } | undefined)?.vocab;
  if (Array.isArray(vocabulary)) return vocabulary[id]?.[0];
  return Object.entries(vocabulary ?? {}).find(([, value]) => value === id)?.[0];
}
