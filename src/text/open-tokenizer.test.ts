import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { openTokenizer, padBatch, type TokenizerFiles } from "./index.ts";

interface Case {
  readonly text?: string;
  readonly pair?: string;
  readonly words?: readonly string[];
  readonly maxLength?: number;
}

interface Recorded extends TokenizerFiles {
  /** Null: no limit. */
  readonly maxLength: number | null;
  readonly vocabularySize: number;
  readonly expected: readonly { ids: number[]; types?: number[]; words?: number[] }[];
  readonly batches: readonly { ids: number[][]; mask: number[][]; types: number[][] }[];
}

const folder = new URL("../../test/fixtures/tokenizers/", import.meta.url);
const read = (name: string) => JSON.parse(readFileSync(new URL(`${name}.json`, folder), "utf8"));
const { cases, batches }: { cases: Case[]; batches: { texts: string[]; length: number }[] } = read("cases");
const names = readdirSync(folder)
  .map((file) => file.replace(".json", ""))
  .filter((name) => name !== "cases");

describe.each(names)("%s", (name) => {
  const recorded: Recorded = read(name);
  const tokenizers = new Map<number | undefined, ReturnType<typeof openTokenizer>>();
  const open = (maxLength?: number) => {
    const tokenizer = tokenizers.get(maxLength) ?? openTokenizer(recorded, { maxLength });
    tokenizers.set(maxLength, tokenizer);
    return tokenizer;
  };

  test("its settings are Python's", () => {
    const { maxLength, vocabularySize } = open();
    expect({ maxLength, vocabularySize }).toEqual({
      maxLength: recorded.maxLength ?? Number.POSITIVE_INFINITY,
      vocabularySize: recorded.vocabularySize,
    });
  });

  test(`${cases.length} texts, pairs and lists of words give Python's ids, type ids and words`, () => {
    expect(cases.length).toBeGreaterThan(100);
    const differing = cases.flatMap((input, k) => {
      const { ids, types, words } = recorded.expected[k]!;
      const tokenizer = open(input.maxLength);
      const made = input.words ? tokenizer.encodeWords(input.words) : tokenizer.encode(input.text!, input.pair);
      const ours = { ids: [...made.ids], types: [...made.typeIds], words: made.words && [...made.words] };
      const theirs = { ids, types: types ?? ids.map(() => 0), words };
      return JSON.stringify(ours) === JSON.stringify(theirs) ? [] : [{ input, ours, theirs }];
    });
    expect(differing).toEqual([]);
  });

  test("padded batches are Python's", () => {
    batches.forEach(({ texts, length }, k) => {
      const tokenizer = open(length);
      const encodings = texts.map((text) => tokenizer.encode(text));
      const { ids, mask, types } = padBatch(encodings, length, tokenizer);
      const theirs = recorded.batches[k]!;
      expect([...ids]).toEqual(theirs.ids.flat());
      expect([...mask]).toEqual(theirs.mask.flat());
      expect([...types]).toEqual(theirs.types.flat());
    });
  });
});
