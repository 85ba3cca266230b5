import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { openTokenizer, padBatch } from "./index.ts";

const files = JSON.parse(readFileSync(new URL("../../test/fixtures/tokenizers/bert.json", import.meta.url), "utf8"));
const { tokenizer, config } = files;
const failure = (made: () => unknown): unknown => {
  try {
    return made();
  } catch (error) {
    return error;
  }
};

test.each([
  ["no object", [], "TOKENIZER", /an object is expected/],
  ["no model", { ...tokenizer, model: undefined }, "TOKENIZER", /model:.*object is expected/],
  ["no vocabulary", { ...tokenizer, model: { type: "WordPiece" } }, "TOKENIZER", /vocab is missing/],
  [
    "an unknown model",
    { ...tokenizer, model: { ...tokenizer.model, type: "WordLevel" } },
    "TOKENIZER",
    /"WordLevel".*BPE, Unigram, WordPiece/,
  ],
  [
    "an unknown normalizer",
    { ...tokenizer, normalizer: { type: "Lowercas" } },
    "TOKENIZER",
    /normalizer:.*"Lowercas".*did you mean "Lowercase"/,
  ],
  [
    "an unknown pre-tokenizer",
    { ...tokenizer, pre_tokenizer: { type: "Sequence", pretokenizers: [{ type: "X" }] } },
    "TOKENIZER",
    /pre_tokenizer\.pretokenizers\[0\]:.*"X"/,
  ],
  [
    "an unknown template",
    { ...tokenizer, post_processor: { type: "toString" } },
    "TOKENIZER",
    /post_processor:.*"toString"/,
  ],
  [
    "a damaged charsmap",
    { ...tokenizer, normalizer: { type: "Precompiled", precompiled_charsmap: "AAAA" } },
    "TOKENIZER",
    /shorter than its trie/,
  ],
  [
    "no base64",
    { ...tokenizer, normalizer: { type: "Precompiled", precompiled_charsmap: "§" } },
    "TOKENIZER",
    /no base64/,
  ],
  [
    "a bad pattern",
    { ...tokenizer, normalizer: { type: "Replace", pattern: { Regex: "(" }, content: "" } },
    "TOKENIZER",
    /cannot be translated/,
  ],
])("%s is refused, and the place named", (_, damaged, code, message) => {
  const error = failure(() => openTokenizer({ ...files, tokenizer: damaged }, { place: "models/a" }));
  expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
  expect(error).toMatchObject({ message: expect.stringContaining("models/a, tokenizer.json") });
});

test("a length without room for text is refused, of a pair when there is one", () => {
  expect(failure(() => openTokenizer(files, { maxLength: 2 }))).toMatchObject({
    code: "TOKENIZER_LENGTH",
    remedy: expect.stringContaining("3"),
  });
  const short = openTokenizer(files, { maxLength: 3 });
  expect(short.encode("hello").ids.length).toBe(3);
  expect(failure(() => short.encode("hello", "world"))).toMatchObject({ code: "TOKENIZER_LENGTH" });
});

test("the smallest of the lengths said counts; Python's 10³⁰ is none", () => {
  const lengthOf = (model_max_length: number | undefined, max_length: number | undefined, maxLength?: number) =>
    openTokenizer(
      {
        tokenizer: { ...tokenizer, truncation: max_length ? { max_length } : null },
        config: { ...config, model_max_length },
      },
      { maxLength },
    ).maxLength;
  expect(lengthOf(512, 128)).toBe(128);
  expect(lengthOf(512, 128, 64)).toBe(64);
  expect(lengthOf(1e30, undefined)).toBe(Number.POSITIVE_INFINITY);
  expect(lengthOf(1e30, 256, 300)).toBe(256);
});

test("padding comes from the files, in Python's order, and is missed when nobody names it", () => {
  const { model } = tokenizer;
  const open = (changes: object, ofConfig: object = {}) =>
    openTokenizer({ tokenizer: { ...tokenizer, ...changes }, config: ofConfig });
  expect(open({ padding: { direction: "Left", pad_id: 1, pad_type_id: 3 } })).toMatchObject({
    padId: 1,
    padTypeId: 3,
    paddingSide: "left",
  });
  expect(
    open({ padding: { direction: "Left", pad_id: 1 } }, { pad_token: "[MASK]", padding_side: "right" }),
  ).toMatchObject({ padId: 4, paddingSide: "right" });
  expect(open({}, { pad_token: { content: "[SEP]" } }).padId).toBe(3);
  expect(open({}).padId).toBe(0);
  const vocab = { "[UNK]": 0, "[CLS]": 1, "[SEP]": 2 };
  const bare = { added_tokens: [], model: { ...model, vocab } };
  expect(failure(() => open(bare))).toMatchObject({ code: "TOKENIZER_PADDING" });
  expect(failure(() => open(bare, { pad_token: "[NONE]" }))).toMatchObject({ thing: 'padding token "[NONE]"' });
});

test("a special token that only the configuration names is still never split", () => {
  const without = { ...tokenizer, added_tokens: [] };
  const ids = openTokenizer({ tokenizer: without, config: { mask_token: "[MASK]" } }).encode("[MASK]").ids;
  expect([...ids]).toEqual([2, 4, 3]);
});

/**
 * Known differences: each engine brings its own edition of Unicode. Python's `tokenizers` knows punctuation up to Unicode 8
 * and does not decompose U+32FF (Unicode 12); JavaScript's is newer. What is checked here is that ours follows Unicode.
 */
test("signs younger than Python's tables of Unicode are seen as what they are", () => {
  const vocab = { "[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "[PAD]": 3, a: 4, "\u09fd": 5, 令: 6, 和: 7 };
  const open = (normalizer: object | null) =>
    openTokenizer({ tokenizer: { ...tokenizer, normalizer, added_tokens: [], model: { ...tokenizer.model, vocab } } });
  const text = (normalizer: object | null, given: string) => [...open(normalizer).encode(given).ids];
  // U+09FD is punctuation since Unicode 10: a word of its own. [CLS] and [SEP] are 2 and 3 in the template.
  expect(text(null, "a\u09fda")).toEqual([2, 4, 5, 4, 3]);
  // ㋿ is 令和 since Unicode 12.1; the second character has no ##-form in this vocabulary, so the word is unknown.
  expect(
    text(
      {
        type: "Sequence",
        normalizers: [{ type: "NFKC" }, { type: "Replace", pattern: { String: "令" }, content: "令 " }],
      },
      "㋿",
    ),
  ).toEqual([2, 6, 7, 3]);
});

test("an example longer than its batch is named", () => {
  const t = openTokenizer(files);
  const encodings = ["a", "a b c d e f g"].map((text) => t.encode(text));
  expect(failure(() => padBatch(encodings, 5, t))).toMatchObject({
    code: "BATCH_LENGTH",
    thing: "example 1 of the batch",
  });
});
