import { GraftError } from "../base/index.ts";
import { BPE, type LibraryModel, WordPiece } from "./library.ts";
import type { Part } from "./part.ts";
import { unigram } from "./unigram.ts";

/** The model of a tokenizer: pieces of text to ids. */
export interface PieceModel {
  readonly vocabulary: ReadonlyMap<string, number>;
  /** Ids of one piece; the list is shared, do not modify it. */
  ids(piece: string): readonly number[];
}

/** Remembered pieces, and their length in characters at most: words repeat, long junk does not. */
const CACHE = 1 << 16;
const CACHED_LENGTH = 64;

const KNOWN = ["BPE", "Unigram", "WordPiece"] as const;

/** @throws GraftError TOKENIZER */
export function pieceModel(part: Part): PieceModel {
  const model = libraryModel(part);
  const vocabulary = model.tokens_to_ids;
  const unknown = unknownId(part, vocabulary);
  // A Unigram model always writes one unknown token for a run of unknown characters.
  const fuses = Array.isArray(part.raw.vocab) || part.flag("fuse_unk", false);
  const cache = new Map<string, readonly number[]>();

  function compute(piece: string): readonly number[] {
    const ids: number[] = [];
    for (const token of model.encode([piece])) {
      const id = vocabulary.get(token) ?? unknown;
      if (id === undefined) throw part.refuse(`it has no unknown token for "${token}"`);
      if (!fuses || id !== unknown || ids.at(-1) !== unknown) ids.push(id);
    }
    return ids;
  }

  return {
    vocabulary,
    ids(piece) {
      if (piece.length > CACHED_LENGTH) return compute(piece);
      const known = cache.get(piece);
      if (known !== undefined) return known;
      const ids = compute(piece);
      if (cache.size >= CACHE) cache.clear();
      cache.set(piece, ids);
      return ids;
    },
  };
}

function libraryModel(part: Part): LibraryModel {
  const { raw } = part;
  // Older files name no type.
  const type = part.type || (Array.isArray(raw.vocab) ? "Unigram" : "merges" in raw ? "BPE" : "WordPiece");
  if (typeof raw.vocab !== "object" || raw.vocab === null || Array.isArray(raw.vocab) !== (type === "Unigram"))
    throw part.refuse("its vocab is missing or of the wrong kind");
  if (type === "Unigram" && raw.byte_fallback === true)
    throw part.refuse("byte_fallback in a Unigram model is not supported");
  try {
    // The constructors check nothing: what is missing shows as a TypeError of theirs.
    switch (type) {
      case "BPE":
        return new BPE(raw);
      case "Unigram":
        return unigram(part);
      case "WordPiece":
        return new WordPiece(raw);
    }
  } catch (cause) {
    if (cause instanceof GraftError) throw cause;
    throw part.refuse(`the ${type} model cannot be read`, cause);
  }
  throw part.unknownType(KNOWN);
}

function unknownId(part: Part, vocabulary: ReadonlyMap<string, number>): number | undefined {
  const { unk_id, unk_token } = part.raw;
  if (typeof unk_id === "number") return unk_id;
  return typeof unk_token === "string" ? vocabulary.get(unk_token) : undefined;
}
