import { GraftError } from "../base/index.ts";
import type { TextExample } from "../tables/index.ts";
import type { Tokenizer } from "../text/index.ts";
import { IGNORED } from "./labelled-task.ts";
import type { TextSplit } from "./task.ts";

/** Texts without labels. `words` says which word of an example each of its answers is for, where words are tagged. */
export interface OpenTexts {
  readonly split: TextSplit;
  words(index: number): readonly number[];
}

/**
 * Encode texts to predict on them. Of words each that has a token counts once, at its first.
 * @throws GraftError TOKENIZER_MISSING
 */
export function openTexts(examples: readonly TextExample[], tokenizer: Tokenizer | undefined): OpenTexts {
  if (tokenizer === undefined)
    throw new GraftError("TOKENIZER_MISSING", {
      thing: "texts",
      place: "no tokenizer came with the model they are for",
      remedy: "Open the model from a folder that has its tokenizer.json, or as hf:org/name",
    });
  const encodings = examples.map(({ text, textPair, words }) =>
    words ? tokenizer.encodeWords(words) : tokenizer.encode(text!, textPair),
  );
  const firstTokens = encodings.map(({ words }) =>
    words?.map((word, token) => (words[token - 1] === word ? -1 : word)),
  );
  const { padId, padTypeId, paddingSide } = tokenizer;
  const isTagged = examples.some(({ words }) => words !== undefined);
  return {
    split: {
      kind: "text",
      count: examples.length,
      targets: isTagged
        ? { kind: "tags", tags: (index) => firstTokens[index]!.map((word) => (word < 0 ? IGNORED : 0)) }
        : { kind: "none" },
      encodings: (index) => [encodings[index]!],
      views: 1,
      isPair: examples.some(({ textPair }) => textPair !== undefined),
      length: (index) => encodings[index]!.ids.length,
      padding: { padId, padTypeId, paddingSide },
    },
    words: (index) => Array.from(firstTokens[index] ?? []).filter((word) => word >= 0),
  };
}
