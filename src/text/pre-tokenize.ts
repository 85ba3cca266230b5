import type { Part } from "./part.ts";
import { pattern } from "./pattern.ts";
import { PUNCTUATION, SPACE, WORD } from "./unicode.ts";

/** A stretch of text on its way to the model. */
export interface Piece {
  readonly text: string;
  /** The whole text starts here: some tokenizers mark that place alone. */
  readonly atStart: boolean;
}

export type PreTokenize = (piece: Piece) => readonly Piece[];

export interface PreTokenizeOptions {
  /** Put a space before every text that has none, where the tokenizer is byte-level. */
  readonly prefixSpace: boolean;
}

const BEHAVIORS = ["removed", "isolated", "mergedWithPrevious", "mergedWithNext", "contiguous"] as const;
type Behavior = (typeof BEHAVIORS)[number];

/** One maker for each `type` of pre-tokenizer in tokenizer.json, with the meaning it has in Hugging Face's Rust code. */
const makers: Readonly<Record<string, (part: Part, options: PreTokenizeOptions) => PreTokenize>> = {
  BertPreTokenizer: () => cut(new RegExp(`[^${SPACE}${PUNCTUATION}]+|[${PUNCTUATION}]`, "gu"), "removed", true),
  ByteLevel: byteLevel,
  Digits(part) {
    return part.flag("individual_digits", false) ? cut(/\p{N}/gu, "isolated") : cut(/\p{N}/gu, "contiguous");
  },
  Metaspace: metaspace,
  Punctuation: (part) => cut(new RegExp(`[${PUNCTUATION}]`, "gu"), part.choice("behavior", BEHAVIORS, "isolated")),
  Sequence(part) {
    // The option is for a tokenizer that is byte-level as a whole: behind other splits, every piece would get a space.
    const steps = part.parts("pretokenizers").map((step) => preTokenizer(step, { prefixSpace: false }));
    return (piece) => steps.reduce<readonly Piece[]>((pieces, step) => pieces.flatMap(step), [piece]);
  },
  Split: (part) => cut(pattern(part), part.choice("behavior", BEHAVIORS), part.flag("invert", false)),
  Whitespace: () => cut(new RegExp(`[${WORD}]+|[^${WORD}${SPACE}]+`, "gu"), "removed", true),
  WhitespaceSplit: () => cut(new RegExp(`[${SPACE}]`, "gu"), "removed"),
};

/**
 * What splits normalised text into the pieces that the model sees one by one.
 * @throws GraftError TOKENIZER
 */
export function preTokenizer(part: Part | undefined, options: PreTokenizeOptions): PreTokenize {
  if (part === undefined) return (piece) => [piece];
  const make = Object.hasOwn(makers, part.type) ? makers[part.type] : undefined;
  if (make === undefined) throw part.unknownType(Object.keys(makers));
  return make(part, options);
}

/** Split at the matches of `found`, or where `inverted` at what lies between them, and do with those as `behavior` says. */
function cut(found: RegExp, behavior: Behavior, inverted = false): PreTokenize {
  return ({ text, atStart }) => {
    const pieces: Piece[] = [];
    for (const [start, end] of spans(text, found, behavior, inverted))
      pieces.push({ text: text.slice(start, end), atStart: atStart && start === 0 });
    return pieces;
  };
}

type Span = [start: number, end: number];

function spans(text: string, found: RegExp, behavior: Behavior, inverted: boolean): readonly Span[] {
  const all: { span: Span; isCut: boolean }[] = [];
  let at = 0;
  const add = (end: number, matched: boolean) => {
    if (end > at) all.push({ span: [at, end], isCut: matched !== inverted });
    at = Math.max(at, end);
  };
  for (const match of text.matchAll(found)) {
    add(match.index, false);
    add(match.index + match[0].length, true);
  }
  add(text.length, false);
  if (behavior === "removed") return all.filter(({ isCut }) => !isCut).map(({ span }) => span);
  if (behavior === "isolated") return all.map(({ span }) => span);
  const ordered = behavior === "mergedWithNext" ? all.reverse() : all;
  const merged: Span[] = [];
  let cutBefore: boolean | undefined;
  for (const { span, isCut } of ordered) {
    const last = merged.at(-1);
    const joins = behavior === "contiguous" ? isCut === cutBefore : isCut && cutBefore === false;
    if (last !== undefined && joins) {
      last[0] = Math.min(last[0], span[0]);
      last[1] = Math.max(last[1], span[1]);
    } else merged.push([...span]);
    cutBefore = isCut;
  }
  return behavior === "mergedWithNext" ? merged.reverse() : merged;
}

/** GPT-2's split: contractions, letters, numbers and the rest, each with the one space before it. */
const gpt2 = new RegExp(
  `'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^${SPACE}\\p{L}\\p{N}]+|[${SPACE}]+(?![^${SPACE}])|[${SPACE}]+`,
  "gu",
);

function byteLevel(part: Part, { prefixSpace }: PreTokenizeOptions): PreTokenize {
  const spaced = prefixSpace || part.flag("add_prefix_space", true);
  const split: PreTokenize = part.flag("use_regex", true) ? cut(gpt2, "isolated") : (piece) => [piece];
  return ({ text, atStart }) =>
    split({ text: spaced && !text.startsWith(" ") ? ` ${text}` : text, atStart }).map((piece) => ({
      text: asByteCharacters(piece.text),
      atStart: piece.atStart,
    }));
}

const encoder = new TextEncoder();

/** Each byte of UTF-8 as a printable character: itself, or from U+0100 on for those that cannot be seen (GPT-2). */
const byteCharacters: readonly string[] = (() => {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad);
    return String.fromCharCode(printable ? byte : next++);
  });
})();

function asByteCharacters(text: string): string {
  let out = "";
  for (const byte of encoder.encode(text)) out += byteCharacters[byte];
  return out;
}

/** SentencePiece's ▁ for a space. Files before `prepend_scheme` have `add_prefix_space`, true for "always". */
function metaspace(part: Part): PreTokenize {
  const mark = part.text("replacement", "▁");
  const older = part.flag("add_prefix_space", true) ? "always" : "never";
  const scheme = part.choice("prepend_scheme", ["always", "first", "never"], older);
  const split: PreTokenize = part.flag("split", true)
    ? cut(new RegExp(mark, "gu"), "mergedWithNext")
    : (piece) => (piece.text === "" ? [] : [piece]);
  return ({ text, atStart }) => {
    const marked = text.replaceAll(" ", mark);
    const prefixed = !marked.startsWith(mark) && (scheme === "always" || (scheme === "first" && atStart));
    return split({ text: prefixed ? mark + marked : marked, atStart });
  };
}
