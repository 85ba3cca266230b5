/** White space as Unicode and Rust have it: JavaScript's `\s` adds U+FEFF and lacks U+0085. For a class in a `u` regex. */
export const SPACE = "\\p{White_Space}";

/** What `\w` means to Rust. */
export const WORD = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}";

/** What BERT takes for punctuation: Unicode's, and every printable ASCII sign. */
export const PUNCTUATION = "\\p{P}!-\\/:-@\\[-`\\{-~";

/** Lower case letter by letter, as Rust does: JavaScript alone writes a final Σ as ς. */
export function lowerCase(text: string): string {
  if (!text.includes("Σ")) return text.toLowerCase();
  return text
    .split("Σ")
    .map((part) => part.toLowerCase())
    .join("σ");
}

/** A text of Python cannot hold half a surrogate pair: each becomes U+FFFD, as in UTF-8. */
export function wellFormed(text: string): string {
  return /\p{Cs}/u.test(text) ? text.replace(/\p{Cs}/gu, "\ufffd") : text;
}

export function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&");
}
