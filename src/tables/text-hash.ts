import type { Example } from "./columns.ts";

/**
 * A 53-bit number for what an example shows the model: equal for texts that differ only in case and white space. Among a
 * million different texts two agree with probability 6e-5. For triplets the anchor alone counts: the same query in
 * two splits gives the answer away.
 */
export function contentHash(example: Example): number {
  const { texts, words, image, target } = example;
  if (image instanceof Uint8Array) return hash(image.length, (at) => image[at]!);
  const shown = image ?? (words ? words.join(" ") : target === null ? texts![0]! : texts!.join("\u0000"));
  // A path is what it is; texts are compared without regard to case and white space.
  const text = image === undefined ? shown.toLowerCase().replace(/\s+/g, " ").trim() : shown;
  return hash(text.length, (at) => text.charCodeAt(at));
}

/** Two multiplicative hashes side by side, mixed at the end; 32 bits of one and 21 of the other make a safe integer. */
function hash(length: number, unit: (at: number) => number): number {
  let [a, b] = [0x2545f491 ^ length, 0x9e3779b1];
  for (let at = 0; at < length; at++) {
    const value = unit(at);
    a = Math.imul(a ^ value, 0x5bd1e995);
    a ^= a >>> 15;
    b = Math.imul(b + value, 0x1b873593);
    b = (b << 13) | (b >>> 19);
  }
  a = Math.imul(a ^ (a >>> 16) ^ b, 0x85ebca6b);
  b = Math.imul(b ^ (b >>> 13) ^ a, 0xc2b2ae35);
  return ((a ^ (a >>> 15)) >>> 0) * 2 ** 21 + ((b ^ (b >>> 16)) >>> 11);
}
