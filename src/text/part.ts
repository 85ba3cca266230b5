import { didYouMean, GraftError } from "../base/index.ts";

/** An object of tokenizer.json, read key by key; errors name the file and the path in it. */
export interface Part {
  /** Its key `type`, or the empty string. */
  readonly type: string;
  readonly raw: Readonly<Record<string, unknown>>;
  text(key: string, fallback?: string): string;
  integer(key: string, fallback?: number): number;
  flag(key: string, fallback?: boolean): boolean;
  part(key: string): Part;
  /** Undefined if the key is missing or null. */
  maybe(key: string): Part | undefined;
  parts(key: string, fallback?: readonly []): readonly Part[];
  /** One of a few words, in any capitalisation (older files write `Removed`, newer `removed`). */
  choice<Word extends string>(key: string, words: readonly Word[], fallback?: Word): Word;
  refuse(what: string, cause?: unknown): GraftError;
  /** The error for a `type` that is not among `known`. */
  unknownType(known: readonly string[]): GraftError;
}

/**
 * @param place  where the value stands, e.g. `models/a/tokenizer.json`
 * @throws GraftError TOKENIZER, here and from what it returns
 */
export function part(value: unknown, place: string, path = ""): Part {
  const here = path === "" ? "the file" : path;
  const refuse = (thing: string, what: string, cause?: unknown) =>
    new GraftError("TOKENIZER", {
      thing,
      place: `${place}: ${what}`,
      remedy:
        "The file is damaged or of a kind graft does not know: download it again or write it with `save_pretrained`",
      cause,
    });
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw refuse(here, "an object is expected here");
  const raw = value as Readonly<Record<string, unknown>>;
  const below = (key: string) => (path === "" ? key : `${path}.${key}`);
  function read<T>(key: string, fallback: T | undefined, is: (value: unknown) => value is T, kind: string): T {
    const found = raw[key] ?? fallback;
    if (!is(found)) throw refuse(below(key), `${found === undefined ? "it is missing" : `it is no ${kind}`}`);
    return found;
  }
  const isText = (value: unknown) => typeof value === "string";
  return {
    type: isText(raw.type) ? raw.type : "",
    raw,
    text: (key, fallback) => read(key, fallback, isText, "string"),
    integer: (key, fallback) => read(key, fallback, (n): n is number => Number.isInteger(n), "whole number"),
    flag: (key, fallback) => read(key, fallback, (b) => typeof b === "boolean", "boolean"),
    part: (key) => part(raw[key], place, below(key)),
    maybe: (key) => (raw[key] === undefined || raw[key] === null ? undefined : part(raw[key], place, below(key))),
    parts: (key, fallback) =>
      read(key, fallback as unknown[] | undefined, Array.isArray, "list").map((item, k) =>
        part(item, place, `${below(key)}[${k}]`),
      ),
    choice(key, words, fallback) {
      const given = read(key, fallback as string | undefined, isText, "string");
      const fold = (word: string) => word.toLowerCase().replaceAll("_", "");
      const found = words.find((word) => fold(word) === fold(given));
      if (found === undefined) throw refuse(below(key), `"${given}" is none of ${words.join(", ")}`);
      return found;
    },
    refuse: (what, cause) => refuse(here, what, cause),
    unknownType(known) {
      const type = isText(raw.type) ? raw.type : "none";
      return refuse(here, `type "${type}" is not supported; ${didYouMean(type, known)}there are ${known.join(", ")}`);
    },
  };
}
