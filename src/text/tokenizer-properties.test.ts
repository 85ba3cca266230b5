import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { openTokenizer, padBatch, paddedStart } from "./index.ts";

const fixture = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../test/fixtures/tokenizers/${name}.json`, import.meta.url), "utf8"));

/** First and last ids of one text and of a pair, and the special tokens of a pair; by hand from the files. */
const kinds = [
  { name: "bert", first: [2], last: 3, ofPair: 3 },
  { name: "electra-cased", first: [2], last: 3, ofPair: 3 },
  { name: "mpnet", first: [0], last: 2, ofPair: 4 },
  { name: "roberta", first: [0], last: 2, ofPair: 4 },
  { name: "xlmr", first: [0], last: 2, ofPair: 4 },
  { name: "pieces", first: [], last: 2, ofPair: 2 },
] as const;

const anyText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.string({ unit: "grapheme", maxLength: 40 }),
  fc
    .array(fc.constantFrom("the", "fox", "[MASK]", "<mask>", "</s>", "東京", "\ud800", "é"), { maxLength: 30 })
    .map((words) => words.join(" ")),
);

describe.each(kinds)("$name", ({ name, first, last, ofPair }) => {
  const files = fixture(name);
  const lengths = [5, 6, 7, 16, 33];
  const tokenizers = new Map(lengths.map((maxLength) => [maxLength, openTokenizer(files, { maxLength })]));
  const anyLength = fc.constantFrom(...lengths);

  test("an encoding fits maxLength, keeps its special tokens, and says whether it was cut", () => {
    fc.assert(
      fc.property(anyText, fc.option(anyText, { nil: undefined }), anyLength, (text, pair, maxLength) => {
        const tokenizer = tokenizers.get(maxLength)!;
        const { ids, typeIds, truncated } = tokenizer.encode(text, pair);
        expect(ids.length).toBeLessThanOrEqual(maxLength);
        expect(typeIds.length).toBe(ids.length);
        expect([...ids.slice(0, first.length)]).toEqual(first);
        expect(ids.at(-1)).toBe(last);
        for (const id of ids) expect(id >= 0 && id < tokenizer.vocabularySize).toBe(true);
        if (pair !== undefined) expect(ids.length).toBeGreaterThanOrEqual(ofPair);
        if (truncated) expect(ids.length).toBe(maxLength);
      }),
      { seed: 1, numRuns: 60 },
    );
  });

  test("words are in order, special tokens belong to none, and one word alone is that word's tokens", () => {
    fc.assert(
      fc.property(fc.array(anyText, { maxLength: 6 }), (list) => {
        const tokenizer = openedOnce(name, files);
        const { ids, words } = tokenizer.encodeWords(list);
        const inside = [...words!].slice(first.length, -1);
        expect(words!.length).toBe(ids.length);
        expect(inside).toEqual([...inside].sort((a, b) => a - b));
        const apart = list.flatMap((word) => [...tokenizer.encodeWords([word]).ids].slice(first.length, -1));
        expect([...ids].slice(first.length, -1)).toEqual(apart);
      }),
      { seed: 2, numRuns: 40 },
    );
  });

  test("what is padded can be read back", () => {
    fc.assert(
      fc.property(fc.array(anyText, { minLength: 1, maxLength: 5 }), fc.nat(7), (texts, extra) => {
        const tokenizer = tokenizers.get(16)!;
        const encodings = texts.map((text) => tokenizer.encode(text));
        const length = Math.max(...encodings.map(({ ids }) => ids.length)) + extra;
        const batch = padBatch(encodings, length, tokenizer);
        encodings.forEach((encoding, row) => {
          const start = paddedStart(row, encoding.ids.length, length, tokenizer.paddingSide);
          const end = start + encoding.ids.length;
          expect(batch.ids.slice(start, end)).toEqual(encoding.ids);
          expect(batch.types.slice(start, end)).toEqual(encoding.typeIds);
          for (let k = row * length; k < (row + 1) * length; k++) {
            const isToken = k >= start && k < end;
            expect(batch.mask[k]).toBe(isToken ? 1 : 0);
            if (!isToken) expect(batch.ids[k]).toBe(tokenizer.padId);
          }
        });
      }),
      { seed: 3, numRuns: 40 },
    );
  });
});

const opened = new Map<string, ReturnType<typeof openTokenizer>>();
function openedOnce(name: string, files: Parameters<typeof openTokenizer>[0]) {
  const tokenizer =
    opened.get(name) ??
    openTokenizer({ ...files, config: { ...(files.config as object), model_max_length: 1e30 } }, {});
  opened.set(name, tokenizer);
  return tokenizer;
}
