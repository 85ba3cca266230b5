import { GraftError } from "../base/index.ts";

export interface Line {
  /** From 1. */
  readonly number: number;
  readonly text: string;
}

/** Longest line read, in characters: a guard against a file that is no table, well above any text worth training on. */
export const LONGEST_LINE = 100_000_000;

const LF = 10;

/**
 * A file's bytes as text: UTF-8, with or without its mark, or UTF-16 with it.
 * @param name  for errors
 * @throws GraftError DATA_ENCODING naming line and byte of the first one that is no UTF-8
 */
export async function* decodeText(chunks: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<string> {
  const start = await takeStart(chunks);
  if (start === undefined) return;
  const { first, rest } = start;
  if (first[0] === 0xff && first[1] === 0xfe) return yield* decodeUtf16(first, rest, "utf-16le", name);
  if (first[0] === 0xfe && first[1] === 0xff) return yield* decodeUtf16(first, rest, "utf-16be", name);
  checkIsText(first, name);
  const marked = first[0] === 0xef && first[1] === 0xbb && first[2] === 0xbf;
  yield* decodeUtf8(marked ? first.subarray(3) : first, rest, marked ? 3 : 0, name);
}

/** Split text into lines at \n, \r\n or \r, in batches, one for each piece of text. */
export async function* linesOf(text: AsyncIterable<string>, name: string): AsyncGenerator<readonly Line[]> {
  let number = 1;
  let open: string[] = []; // pieces of a line that is not complete
  let openLength = 0;
  let afterReturn = false;
  for await (const piece of text) {
    const lines: Line[] = [];
    let from = afterReturn && piece.startsWith("\n") ? 1 : 0;
    afterReturn = piece.endsWith("\r");
    const ends = /\r\n?|\n/g;
    ends.lastIndex = from;
    for (let match = ends.exec(piece); match !== null; match = ends.exec(piece)) {
      const tail = piece.slice(from, match.index);
      lines.push({ number: number++, text: open.length === 0 ? tail : open.join("") + tail });
      open = [];
      openLength = 0;
      from = ends.lastIndex;
    }
    if (from < piece.length) {
      open.push(piece.slice(from));
      openLength += piece.length - from;
    }
    if (openLength > LONGEST_LINE) throw lineTooLong(name, number);
    yield lines;
  }
  if (open.length > 0) yield [{ number, text: open.join("") }];
}

export function lineTooLong(name: string, line: number): GraftError {
  return new GraftError("DATA_LINE_TOO_LONG", {
    thing: `${name} line ${line}`,
    place: `it is longer than ${LONGEST_LINE / 1e6} million characters`,
    remedy: "Check that the file is a table with one row a line; cut long texts, of which models read the start only",
  });
}

/** The first piece of at least four bytes (marks may be split), and what follows. */
async function takeStart(chunks: AsyncIterable<Uint8Array>) {
  const iterator = chunks[Symbol.asyncIterator]();
  let first = new Uint8Array(0);
  while (first.length < 4) {
    const next = await iterator.next();
    if (next.done) break;
    first = joined(first, next.value);
  }
  if (first.length === 0) return undefined;
  return { first, rest: { [Symbol.asyncIterator]: () => iterator } };
}

async function* decodeUtf8(
  first: Uint8Array,
  rest: AsyncIterable<Uint8Array>,
  offset: number,
  name: string,
): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let position = offset; // of the first byte of `bytes` in the file
  let line = 1;
  let bytes = first;
  const decode = (whole: Uint8Array) => {
    try {
      return decoder.decode(whole);
    } catch (cause) {
      throw badByte(whole, position, line, name, cause);
    }
  };
  for await (const chunk of rest) {
    const end = lastBoundary(bytes);
    const whole = bytes.subarray(0, end);
    yield decode(whole);
    position += end;
    line += countLines(whole);
    bytes = end === bytes.length ? chunk : joined(bytes.subarray(end), chunk);
  }
  yield decode(bytes);
}

async function* decodeUtf16(
  first: Uint8Array,
  rest: AsyncIterable<Uint8Array>,
  encoding: "utf-16le" | "utf-16be",
  name: string,
): AsyncGenerator<string> {
  const decoder = new TextDecoder(encoding, { fatal: true });
  try {
    yield decoder.decode(first, { stream: true });
    for await (const chunk of rest) yield decoder.decode(chunk, { stream: true });
    yield decoder.decode();
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new GraftError("DATA_ENCODING", {
      thing: `"${name}"`,
      place: `it starts with the mark of ${encoding.toUpperCase()} but does not go on in it`,
      remedy: "Save it as UTF-8",
      cause,
    });
  }
}

/** UTF-16 without a mark and binary files hold zero bytes; text does not. */
function checkIsText(start: Uint8Array, name: string): void {
  const zero = start.indexOf(0);
  if (zero < 0) return;
  const wide = (parity: number) => start.every((byte, k) => k % 2 !== parity || k > 63 || byte === 0);
  const isWide = start.length >= 4 && (wide(0) || wide(1));
  throw new GraftError("DATA_ENCODING", {
    thing: `"${name}"`,
    place: isWide ? "it looks like UTF-16 without its mark" : `its byte ${zero} is zero: it is no text`,
    remedy: isWide
      ? `Convert it to UTF-8: \`iconv -f UTF-16${wide(0) ? "BE" : "LE"} -t UTF-8\``
      : "Give a CSV, TSV, JSON or CoNLL file in UTF-8, or Parquet with the ending .parquet",
  });
}

/** End of the last complete character; at most three bytes are left over. Bytes that are no UTF-8 stay in. */
function lastBoundary(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if (byte < 0x80) return bytes.length;
    if (byte >= 0xc0) return sequenceLength(byte) > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

function sequenceLength(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead >= 0xf0) return 4;
  return lead >= 0xe0 ? 3 : 2;
}

/** Name the first byte that is no UTF-8. */
function badByte(bytes: Uint8Array, position: number, line: number, name: string, cause: unknown): GraftError {
  let at = 0;
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const isCharacter = (length: number) => {
    try {
      decoder.decode(bytes.subarray(at, at + length));
      return true;
    } catch {
      return false;
    }
  };
  while (at < bytes.length) {
    const length = sequenceLength(bytes[at]!);
    if (length > 1 && !isCharacter(length)) break;
    // A lone continuation byte is "one long" for sequenceLength's two and fails above; ASCII never does.
    at += length;
  }
  const hex = bytes[at]?.toString(16).toUpperCase().padStart(2, "0");
  return new GraftError("DATA_ENCODING", {
    thing: `${name} line ${line + countLines(bytes.subarray(0, at))}`,
    place: `byte ${position + at} (0x${hex}) is not UTF-8`,
    remedy: "Convert the file; if it is Windows-1252 or Latin-1: `iconv -f WINDOWS-1252 -t UTF-8`",
    cause,
  });
}

function countLines(bytes: Uint8Array): number {
  let count = 0;
  for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, at + 1)) count++;
  return count;
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
