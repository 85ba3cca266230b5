import type { Normalize } from "./normalize.ts";
import type { Part } from "./part.ts";
import { escapeRegExp, SPACE, WORD } from "./unicode.ts";

/** A token that is found in the text as it stands, and never split. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** Only where no letter, digit or _ touches it. */
  readonly singleWord: boolean;
  /** Takes the white space before it, after it. */
  readonly lstrip: boolean;
  readonly rstrip: boolean;
  /** Looked for in the normalised text, with its own content normalised; otherwise in the text as given. */
  readonly normalized: boolean;
}

/** A stretch of text: an added token, or (`id` undefined) text between them. */
export interface Section {
  readonly text: string;
  readonly id: number | undefined;
  readonly atStart: boolean;
}

/** @throws GraftError TOKENIZER */
export function addedToken(part: Part, id: number): AddedToken {
  return {
    id,
    content: part.text("content"),
    singleWord: part.flag("single_word", false),
    lstrip: part.flag("lstrip", false),
    rstrip: part.flag("rstrip", false),
    normalized: part.flag("normalized", !part.flag("special", false)),
  };
}

/**
 * Cut a text at its added tokens: the one that begins first, of those the longest. First in the text as given, then
 * in the normalised text between.
 * @returns added tokens, and between them normalised text
 */
export function addedTokenSplitter(tokens: readonly AddedToken[], normalize: Normalize): (text: string) => Section[] {
  const given = cutter(tokens.filter((token) => !token.normalized));
  const normalized = cutter(
    tokens.filter((token) => token.normalized).map((token) => ({ ...token, content: normalize(token.content) })),
  );
  return (text) =>
    given({ text, id: undefined, atStart: true }).flatMap((section) =>
      section.id === undefined ? normalized({ ...section, text: normalize(section.text) }) : section,
    );
}

const endsWithWord = new RegExp(`[${WORD}]$`, "u");
const startsWithWord = new RegExp(`^[${WORD}]`, "u");
const spaceBefore = new RegExp(`[${SPACE}]*$`, "u");
const spaceAfter = new RegExp(`^[${SPACE}]*`, "u");

function cutter(tokens: readonly AddedToken[]): (section: Section) => readonly Section[] {
  const byContent = new Map(tokens.filter(({ content }) => content !== "").map((token) => [token.content, token]));
  if (byContent.size === 0) return (section) => [section];
  const longestFirst = [...byContent.keys()].sort((a, b) => b.length - a.length);
  const any = new RegExp(longestFirst.map(escapeRegExp).join("|"), "g");
  return (section) => {
    const { text, atStart } = section;
    const sections: Section[] = [];
    let at = 0;
    for (const match of text.matchAll(any)) {
      const token = byContent.get(match[0])!;
      const [before, after] = [text.slice(at, match.index), text.slice(match.index + match[0].length)];
      if (token.singleWord && (endsWithWord.test(text.slice(0, match.index)) || startsWithWord.test(after))) continue;
      const start = token.lstrip ? at + before.search(spaceBefore) : match.index;
      const taken = token.rstrip ? spaceAfter.exec(after)![0].length : 0;
      if (start > at) sections.push({ text: text.slice(at, start), id: undefined, atStart: atStart && at === 0 });
      sections.push({ text: match[0], id: token.id, atStart: false });
      at = match.index + match[0].length + taken;
    }
    if (sections.length === 0) return [section];
    if (at < text.length) sections.push({ text: text.slice(at), id: undefined, atStart: false });
    return sections;
  };
}
