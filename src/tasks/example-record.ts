import type { Encoding } from "../text/index.ts";

/**
 * Encodings of an example as bytes, little-endian int32: their number, then for each its length, ids and type ids, then
 * (for tagged words) the word of each token of the first.
 */
export function packExample(encodings: readonly Encoding[], words?: Int32Array): Uint8Array {
  const numbers = [encodings.length];
  for (const { ids, typeIds } of encodings) numbers.push(ids.length, ...ids, ...typeIds);
  if (words) numbers.push(...words);
  return new Uint8Array(Int32Array.from(numbers).buffer);
}

export function unpackEncodings(record: Uint8Array): Encoding[] {
  const numbers = numbersOf(record);
  let at = 1;
  return Array.from({ length: numbers[0]! }, () => {
    const length = numbers[at]!;
    const ids = numbers.subarray(at + 1, at + 1 + length);
    const typeIds = numbers.subarray(at + 1 + length, at + 1 + 2 * length);
    at += 1 + 2 * length;
    return { ids, typeIds, truncated: false };
  });
}

/** The word of each token of a tagged example. */
export function unpackWords(record: Uint8Array): Int32Array {
  const numbers = numbersOf(record);
  return numbers.subarray(2 + 2 * numbers[1]!);
}

/** A view where the bytes lie at a multiple of four, else a copy. */
const numbersOf = (record: Uint8Array): Int32Array =>
  record.byteOffset % 4 === 0
    ? new Int32Array(record.buffer, record.byteOffset, record.length / 4)
    : new Int32Array(record.slice().buffer);
