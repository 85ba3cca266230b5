/** What an error says: the thing at fault, where it was met, and what to do about it. */
export interface ErrorDetails {
  /** The thing at fault, e.g. `edge (3, 40)`. */
  readonly thing: string;
  /** Where it was met and what is wrong there, e.g. `placement "3-40"; the backbone has states 0 to 24`. */
  readonly place: string;
  /** What the reader can do now. */
  readonly remedy: string;
  readonly cause?: unknown;
}

/**
 * The only error graft throws on purpose. `code` is stable, for tests and `--json`; the message is one line made of
 * thing, place and remedy. Anything else that escapes is a bug.
 */
export class GraftError extends Error {
  readonly code: string;
  readonly thing: string;
  readonly place: string;
  readonly remedy: string;

  constructor(code: string, { thing, place, remedy, cause }: ErrorDetails) {
    super(oneLine(`${thing}: ${place}. ${remedy}`), cause === undefined ? undefined : { cause });
    this.name = "GraftError";
    this.code = code;
    this.thing = thing;
    this.place = place;
    this.remedy = remedy;
  }
}

/** Names come from files: no line break, terminal command or endless text of theirs may reach the screen. */
function oneLine(text: string): string {
  const clean = text.replace(/\p{Cc}+/gu, " ");
  return clean.length <= 1000 ? clean : `${clean.slice(0, 500)} … ${clean.slice(-498)}`;
}

/** The candidate nearest to `word` in edit distance, or undefined when none is near enough to be a likely typo. */
export function suggest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** `did you mean "x"? ` or the empty string, to be put before a remedy. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const near = suggest(word, candidates);
  return near === undefined ? "" : `did you mean "${near}"? `;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, k) => k);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let k = 1; k <= b.length; k++) {
      const substitution = row[k - 1]! + (a[i - 1] === b[k - 1] ? 0 : 1);
      next.push(Math.min(substitution, row[k]! + 1, next[k - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
