import { SplitPreTokenizer } from "./library.ts";
import type { Part } from "./part.ts";
import { escapeRegExp } from "./unicode.ts";

/**
 * The regular expression of a `pattern`: `{String}` is searched as it is, `{Regex}` is in Oniguruma's language, which
 * the library translates.
 * @throws GraftError TOKENIZER
 */
export function pattern(of: Part): RegExp {
  const { String: text, Regex: source } = of.part("pattern").raw;
  if (typeof text === "string") return new RegExp(escapeRegExp(text), "g");
  if (typeof source !== "string") throw of.refuse("its pattern holds neither String nor Regex");
  try {
    const { pattern } = new SplitPreTokenizer({ type: "Split", pattern: { Regex: source }, invert: false });
    if (pattern !== null) return pattern;
  } catch (cause) {
    throw of.refuse(`its pattern ${JSON.stringify(source)} cannot be translated`, cause);
  }
  throw of.refuse(`its pattern ${JSON.stringify(source)} cannot be translated`);
}
