import { charsmap } from "./charsmap.ts";
import type { Part } from "./part.ts";
import { pattern } from "./pattern.ts";
import { lowerCase, SPACE } from "./unicode.ts";

export type Normalize = (text: string) => string;

const leading = new RegExp(`^[${SPACE}]+`, "u");
const trailing = new RegExp(`[${SPACE}]+$`, "u");

/** One maker for each `type` of normalizer in tokenizer.json, with the meaning it has in Hugging Face's Rust code. */
const makers: Readonly<Record<string, (part: Part) => Normalize>> = {
  BertNormalizer: bertNormalizer,
  Lowercase: () => lowerCase,
  NFC: () => (text) => text.normalize("NFC"),
  NFD: () => (text) => text.normalize("NFD"),
  NFKC: () => (text) => text.normalize("NFKC"),
  NFKD: () => (text) => text.normalize("NFKD"),
  Precompiled: charsmap,
  Prepend(part) {
    const prefix = part.text("prepend");
    return (text) => (text === "" ? text : prefix + text);
  },
  Replace(part) {
    const [found, content] = [pattern(part), part.text("content")];
    return (text) => text.replace(found, () => content);
  },
  Sequence(part) {
    const steps = part.parts("normalizers").map(normalizer);
    return (text) => steps.reduce((done, step) => step(done), text);
  },
  Strip(part) {
    const [left, right] = [part.flag("strip_left", true), part.flag("strip_right", true)];
    return (text) => {
      const rest = left ? text.replace(leading, "") : text;
      return right ? rest.replace(trailing, "") : rest;
    };
  },
  StripAccents: () => (text) => text.replace(/\p{M}/gu, ""),
};

/**
 * What the text goes through before it is split.
 * @throws GraftError TOKENIZER
 */
export function normalizer(part: Part | undefined): Normalize {
  if (part === undefined) return (text) => text;
  const make = Object.hasOwn(makers, part.type) ? makers[part.type] : undefined;
  if (make === undefined) throw part.unknownType(Object.keys(makers));
  return make(part);
}

const blank = new RegExp(`[${SPACE}]`, "gu");
const invisible = /[\0\ufffd]|(?![\t\n\r])[\p{Cc}\p{Cf}\p{Co}]/gu;
/** CJK ideographs as BERT counts them: no kana, no hangul. */
const ideograph =
  /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b81f}\u{2b920}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/gu;
const ascii = /^[\x20-\x7e]*$/;

function bertNormalizer(part: Part): Normalize {
  const lower = part.flag("lowercase", true);
  const steps: Normalize[] = [];
  if (part.flag("clean_text", true)) steps.push((text) => text.replace(invisible, "").replace(blank, " "));
  if (part.flag("handle_chinese_chars", true)) steps.push((text) => text.replace(ideograph, " $& "));
  if (part.flag("strip_accents", lower)) steps.push((text) => text.normalize("NFD").replace(/\p{Mn}/gu, ""));
  if (lower) steps.push(lowerCase);
  return (text) => {
    if (ascii.test(text)) return lower ? text.toLowerCase() : text;
    return steps.reduce((done, step) => step(done), text);
  };
}
