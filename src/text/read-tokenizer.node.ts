import { join } from "node:path";
import { readFileChecked } from "../base/index.node.ts";
import { GraftError } from "../base/index.ts";
import { type OpenTokenizerOptions, openTokenizer, type TokenizerFiles } from "./open-tokenizer.ts";
import type { Tokenizer } from "./tokenizer.ts";

const MAIN = "tokenizer.json";

/**
 * Read the tokenizer files of a model's folder: `tokenizer.json`, and where they are there `tokenizer_config.json` and
 * `special_tokens_map.json`.
 * @throws GraftError TOKENIZER_MISSING without a `tokenizer.json`, TOKENIZER if a file is no JSON, FILE_*
 */
export async function readTokenizerFiles(folder: string): Promise<TokenizerFiles> {
  const tokenizer = await readJson(folder, MAIN);
  if (tokenizer === undefined)
    throw new GraftError("TOKENIZER_MISSING", {
      thing: `"${folder}"`,
      place: `it holds no ${MAIN}, which says how the model splits text`,
      remedy:
        'Copy it from the model\'s page, or write it in Python: AutoTokenizer.from_pretrained("…").save_pretrained("…")',
    });
  const [config, specialTokens] = [
    await readJson(folder, "tokenizer_config.json"),
    await readJson(folder, "special_tokens_map.json"),
  ];
  return { tokenizer, config, specialTokens };
}

/**
 * The tokenizer in a model's folder.
 * @throws GraftError as `readTokenizerFiles` and `openTokenizer`
 */
export async function readTokenizer(folder: string, options: OpenTokenizerOptions = {}): Promise<Tokenizer> {
  return openTokenizer(await readTokenizerFiles(folder), { place: folder, ...options });
}

/** Undefined if there is no such file. */
async function readJson(folder: string, name: string): Promise<unknown> {
  const path = join(folder, name);
  let bytes: Uint8Array;
  try {
    bytes = await readFileChecked(path);
  } catch (error) {
    if (error instanceof GraftError && error.code === "FILE_MISSING") return undefined;
    throw error;
  }
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new GraftError("TOKENIZER", {
      thing: `"${path}"`,
      place: `it is no JSON text (${bytes.length} bytes)`,
      remedy: "The download may have broken off: fetch the file again",
      cause,
    });
  }
}
