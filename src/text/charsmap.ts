import type { Part } from "./part.ts";

/** Longer graphemes, in bytes of UTF-8, are mapped character by character. */
const MAX_GRAPHEME = 5;
/** Remembered graphemes: more than the characters of any usual text. */
const CACHE = 1 << 14;

/**
 * SentencePiece's normalisation map: a double-array trie (Aoe 1989, as darts-clone packs it) from UTF-8 bytes to places
 * in a list of replacements. A grapheme becomes what its shortest known prefix maps to, as in Hugging Face's
 * `spm_precompiled`; characters that are not in the map stay.
 * @throws GraftError TOKENIZER
 */
export function charsmap(part: Part): (text: string) => string {
  if (part.raw.precompiled_charsmap === null || part.raw.precompiled_charsmap === "") return (text) => text;
  const { trie, replacements } = unpack(part);
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();
  const segmenter = new Intl.Segmenter("und", { granularity: "grapheme" });
  const cache = new Map<string, string>();

  function replacement(chunk: Uint8Array): string | undefined {
    let node = offset(trie[0]!);
    for (const byte of chunk) {
      if (byte === 0) return undefined;
      node ^= byte;
      const unit = trie[node] ?? 0;
      if ((unit & 0x800000ff) !== byte) return undefined;
      node ^= offset(unit);
      if ((unit >>> 8) & 1) {
        const start = trie[node]! & 0x7fffffff;
        const end = replacements.indexOf(0, start);
        return decoder.decode(replacements.subarray(start, end === -1 ? undefined : end));
      }
    }
    return undefined;
  }

  function mapGrapheme(grapheme: string): string {
    const known = cache.get(grapheme);
    if (known !== undefined) return known;
    const bytes = encoder.encode(grapheme);
    const whole = bytes.length <= MAX_GRAPHEME ? replacement(bytes) : undefined;
    const mapped = whole ?? Array.from(grapheme, (char) => replacement(encoder.encode(char)) ?? char).join("");
    if (cache.size >= CACHE) cache.clear();
    cache.set(grapheme, mapped);
    return mapped;
  }

  const mapRun = (run: string) => Array.from(segmenter.segment(run), ({ segment }) => mapGrapheme(segment)).join("");
  // Printable ASCII between printable ASCII is a grapheme of its own, so only the rest needs to be segmented.
  const printable = Array.from({ length: 95 }, (_, k) => String.fromCharCode(32 + k));
  const changed = printable.filter((char) => mapGrapheme(char) !== char);
  const run = /[ -~]?(?:[^ -~]+[ -~]?)+/g;
  if (changed.length === 0) return (text) => text.replace(run, mapRun);
  return (text) =>
    text.replace(/[ -~]?(?:[^ -~]+[ -~]?)+|[ -~]/g, (found) => (found.length > 1 ? mapRun(found) : mapGrapheme(found)));
}

function offset(unit: number): number {
  return (unit >>> 10) << ((unit & 0x200) >>> 6);
}

function unpack(part: Part): { trie: Uint32Array; replacements: Uint8Array } {
  let bytes: Uint8Array;
  try {
    bytes = Uint8Array.from(atob(part.text("precompiled_charsmap")), (char) => char.charCodeAt(0));
  } catch (cause) {
    throw part.refuse("precompiled_charsmap is no base64 text", cause);
  }
  const view = new DataView(bytes.buffer);
  const size = bytes.length < 8 ? 0 : view.getUint32(0, true);
  if (size < 4 || size % 4 !== 0 || 4 + size > bytes.length)
    throw part.refuse("precompiled_charsmap is shorter than its trie");
  const trie = Uint32Array.from({ length: size / 4 }, (_, k) => view.getUint32(4 + 4 * k, true));
  return { trie, replacements: bytes.subarray(4 + size) };
}
