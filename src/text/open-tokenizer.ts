import { GraftError } from "../base/index.ts";
import { type AddedToken, addedToken, addedTokenSplitter } from "./added-tokens.ts";
import { pieceModel } from "./model.ts";
import { normalizer } from "./normalize.ts";
import { type Part, part } from "./part.ts";
import { type PreTokenize, preTokenizer } from "./pre-tokenize.ts";
import { type Slot, specialCount, template } from "./template.ts";
import type { Encoding, Tokenizer } from "./tokenizer.ts";
import { keptLengths } from "./truncate.ts";
import { wellFormed } from "./unicode.ts";

/** A model's tokenizer files, parsed. */
export interface TokenizerFiles {
  /** `tokenizer.json` */
  readonly tokenizer: unknown;
  /** `tokenizer_config.json` */
  readonly config?: unknown;
  /** `special_tokens_map.json` */
  readonly specialTokens?: unknown;
}

export interface OpenTokenizerOptions {
  /** Tokens of an encoding at most; less where the files say less. */
  readonly maxLength?: number;
  /** Where the files come from, for errors; default "the tokenizer". */
  readonly place?: string;
}

/** Larger lengths are Python's way of saying "unlimited" (10³⁰). */
const UNLIMITED = 1e9;
const SIDES = ["right", "left"] as const;

/**
 * Make a model's tokenizer from its files. `tokenizer.json` says how text is split; of the others, tokens with their
 * flags, `pad_token`, sides and `model_max_length` count. What a tokenizer class of Python sets on its own
 * (`do_lower_case`) does not: Transformers.js, which runs the result, does not know it either.
 * @throws GraftError TOKENIZER on files that are damaged or of a kind that is not supported, TOKENIZER_PADDING without
 *   a padding token, TOKENIZER_LENGTH if `maxLength` leaves no room for text
 */
export function openTokenizer(files: TokenizerFiles, options: OpenTokenizerOptions = {}): Tokenizer {
  const place = options.place ?? "the tokenizer";
  const file = part(files.tokenizer, `${place}, tokenizer.json`);
  const config = part(files.config ?? {}, `${place}, tokenizer_config.json`);
  const specialTokens = part(files.specialTokens ?? {}, `${place}, special_tokens_map.json`);

  const model = pieceModel(file.part("model"));
  const normalize = normalizer(file.maybe("normalizer"));
  const slots = template(file.maybe("post_processor"));
  const added = addedTokens(file, config, specialTokens, model.vocabulary);
  const sections = addedTokenSplitter([...added.values()], normalize);
  const padding = file.maybe("padding");
  const truncation = file.maybe("truncation");
  const truncationSide = config.choice(
    "truncation_side",
    SIDES,
    truncation?.choice("direction", SIDES, "right") ?? "right",
  );
  const vocabularySize = 1 + Math.max(-1, ...maxima([model.vocabulary.values(), added.keys()]));
  const maxLength = Math.min(
    ...[config.raw.model_max_length, truncation?.raw.max_length, options.maxLength].filter(isLength),
    Number.POSITIVE_INFINITY,
  );
  checkRoom(maxLength, slots.single, place);

  const asText = preTokenizer(file.maybe("pre_tokenizer"), { prefixSpace: false });
  const asWord = preTokenizer(file.maybe("pre_tokenizer"), { prefixSpace: true });

  /** Ids without special tokens. */
  function idsOf(text: string, split: PreTokenize): number[] {
    const ids: number[] = [];
    for (const section of sections(wellFormed(text))) {
      if (section.id !== undefined) ids.push(section.id);
      else if (section.text !== "")
        for (const piece of split(section)) for (const id of model.ids(piece.text)) ids.push(id);
    }
    return ids;
  }

  return {
    maxLength,
    padId: padId(file, config, specialTokens, (token) => idOf(token, added, model.vocabulary), place),
    padTypeId: padding?.integer("pad_type_id", 0) ?? config.integer("pad_token_type_id", 0),
    paddingSide: config.choice("padding_side", SIDES, padding?.choice("direction", SIDES, "right") ?? "right"),
    vocabularySize,
    encode(text, pair) {
      const a = idsOf(text, asText);
      if (pair === undefined) return assemble(slots.single, maxLength, truncationSide, { a });
      checkRoom(maxLength, slots.pair, place);
      return assemble(slots.pair, maxLength, truncationSide, { a, b: idsOf(pair, asText) });
    },
    encodeWords(words) {
      const a: number[] = [];
      const wordOf: number[] = [];
      words.forEach((word, k) => {
        for (const id of idsOf(word, asWord)) {
          a.push(id);
          wordOf.push(k);
        }
      });
      return assemble(slots.single, maxLength, truncationSide, { a, wordOf });
    },
  };
}

interface Tokens {
  readonly a: readonly number[];
  readonly b?: readonly number[];
  /** The word of each token of `a`. */
  readonly wordOf?: readonly number[];
}

function assemble(slots: readonly Slot[], maxLength: number, side: "right" | "left", tokens: Tokens): Encoding {
  const { a, b, wordOf } = tokens;
  const [keptA, keptB] = keptLengths(maxLength - specialCount(slots), a.length, b?.length);
  const kept = <T>(list: readonly T[], count: number) =>
    side === "right" ? list.slice(0, count) : list.slice(list.length - count);
  const ids: number[] = [];
  const typeIds: number[] = [];
  const words: number[] = [];
  for (const slot of slots) {
    const isText = "text" in slot;
    const part = !isText ? slot.ids : slot.text === "A" ? kept(a, keptA) : kept(b ?? [], keptB);
    const of = isText && wordOf !== undefined ? kept(wordOf, keptA) : undefined;
    part.forEach((id, k) => {
      ids.push(id);
      typeIds.push(slot.typeId);
      words.push(of?.[k] ?? -1);
    });
  }
  return {
    ids: Int32Array.from(ids),
    typeIds: Int32Array.from(typeIds),
    words: wordOf && Int32Array.from(words),
    truncated: keptA + keptB < a.length + (b?.length ?? 0),
  };
}

function isLength(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value < UNLIMITED;
}

function checkRoom(maxLength: number, slots: readonly Slot[], place: string): void {
  const special = specialCount(slots);
  if (maxLength > special) return;
  throw new GraftError("TOKENIZER_LENGTH", {
    thing: `length ${maxLength}`,
    place: `${place} adds ${special} special tokens, so no text fits`,
    remedy: `Give a length of at least ${special + 1}`,
  });
}

const SPECIAL = ["bos", "eos", "unk", "sep", "pad", "cls", "mask"].map((name) => `${name}_token`);

/**
 * Of tokenizer.json, with what tokenizer_config.json says of the same token in its place, and the special tokens that
 * are named only. Named tokens outside the vocabulary are left out: the model has no row for them.
 */
function addedTokens(
  file: Part,
  config: Part,
  specialTokens: Part,
  vocabulary: ReadonlyMap<string, number>,
): ReadonlyMap<number, AddedToken> {
  const tokens = new Map<number, AddedToken>();
  for (const token of file.parts("added_tokens", []))
    tokens.set(token.integer("id"), addedToken(token, token.integer("id")));
  const decoder = config.maybe("added_tokens_decoder");
  for (const key of Object.keys(decoder?.raw ?? {})) {
    const token = addedToken(decoder!.part(key), Number(key));
    tokens.set(token.id, token);
  }
  for (const named of [config, specialTokens])
    for (const key of SPECIAL) {
      const content = tokenNamed(named.raw[key]);
      const id = content === undefined ? undefined : vocabulary.get(content);
      if (id === undefined || tokens.has(id)) continue;
      const flags = typeof named.raw[key] === "string" ? part({ content }, "") : named.part(key);
      tokens.set(id, { ...addedToken(flags, id), normalized: flags.flag("normalized", false) });
    }
  return tokens;
}

function idOf(
  token: string,
  added: ReadonlyMap<number, AddedToken>,
  vocabulary: ReadonlyMap<string, number>,
): number | undefined {
  for (const { id, content } of added.values()) if (content === token) return id;
  return vocabulary.get(token);
}

function padId(
  file: Part,
  config: Part,
  specialTokens: Part,
  idOf: (token: string) => number | undefined,
  place: string,
): number {
  const named = tokenNamed(config.raw.pad_token) ?? tokenNamed(specialTokens.raw.pad_token);
  const found =
    (named === undefined ? undefined : idOf(named)) ??
    file.maybe("padding")?.integer("pad_id", 0) ??
    idOf("[PAD]") ??
    idOf("<pad>");
  if (found !== undefined) return found;
  throw new GraftError("TOKENIZER_PADDING", {
    thing: named === undefined ? "a padding token" : `padding token "${named}"`,
    place: `${place} has none, so examples of different length cannot share a batch`,
    remedy: 'Name a token of its vocabulary as "pad_token" in tokenizer_config.json',
  });
}

/** Files write a token as its text or as an object with `content`. */
function tokenNamed(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  const content = typeof value === "object" && value !== null && "content" in value ? value.content : undefined;
  return typeof content === "string" ? content : undefined;
}

/** The largest number of each list; too many to spread into a call. */
function maxima(lists: readonly Iterable<number>[]): number[] {
  return lists.map((list) => {
    let largest = -1;
    for (const id of list) if (id > largest) largest = id;
    return largest;
  });
}
