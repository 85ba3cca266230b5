import { GraftError } from "../base/index.ts";
import type { Encoding, Tokenizer } from "./tokenizer.ts";

/** Encodings of one length: what a model reads, each [batch, length], row-major. */
export interface TokenBatch {
  readonly ids: Int32Array;
  /** 1 for a token, 0 for padding. */
  readonly mask: Int32Array;
  readonly types: Int32Array;
}

/**
 * Pad encodings to one length, on the side the tokenizer says.
 * @param length  tokens of each row
 * @throws GraftError BATCH_LENGTH if an encoding is longer
 */
export function padBatch(
  encodings: readonly Encoding[],
  length: number,
  tokenizer: Pick<Tokenizer, "padId" | "padTypeId" | "paddingSide">,
): TokenBatch {
  const size = encodings.length * length;
  const ids = new Int32Array(size).fill(tokenizer.padId);
  const types = new Int32Array(size).fill(tokenizer.padTypeId);
  const mask = new Int32Array(size);
  encodings.forEach((encoding, row) => {
    const count = encoding.ids.length;
    if (count > length)
      throw new GraftError("BATCH_LENGTH", {
        thing: `example ${row} of the batch`,
        place: `it has ${count} tokens, the batch ${length}`,
        remedy: "Pad to the longest example, or open the tokenizer with a smaller maxLength",
      });
    const start = paddedStart(row, count, length, tokenizer.paddingSide);
    ids.set(encoding.ids, start);
    types.set(encoding.typeIds, start);
    mask.fill(1, start, start + count);
  });
  return { ids, mask, types };
}

/** Where the first of a row's `count` tokens lies in a padded batch. */
export function paddedStart(row: number, count: number, length: number, side: "right" | "left"): number {
  return row * length + (side === "left" ? length - count : 0);
}
