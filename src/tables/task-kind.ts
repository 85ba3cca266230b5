import { isNumberText, listInText } from "./cells.ts";
import { type Cell, cellOf, type Row } from "./table.ts";

/** What there is to learn, by the names of Hugging Face's AutoTrain. */
export type TaskKind = "classify" | "multi_label" | "regress" | "tokens" | "pair" | "pair_score" | "triplet";
export const taskKinds: readonly TaskKind[] = [
  "classify",
  "multi_label",
  "regress",
  "tokens",
  "pair",
  "pair_score",
  "triplet",
];

/** What the values of a target column look like. */
export interface TargetShape {
  readonly is: "class" | "classes" | "number";
  /** Between the labels of one cell, where they are a text. */
  readonly separator?: string;
  /** What in the values says so, for people. */
  readonly why: string;
  /** Classes that might be meant as numbers, as stars from 1 to 5. */
  readonly looksRated?: boolean;
}

/**
 * What a column of targets holds, by a sample of rows: lists or separated labels are several classes, numbers with
 * decimals are numbers, everything else is one class.
 */
export function targetShape(sample: readonly Row[], column: string): TargetShape {
  const cells = sample
    .map((row) => cellOf(row, column))
    .filter((cell) => cell !== undefined && cell !== null) as Cell[];
  if (cells.some((cell) => Array.isArray(cell) || (typeof cell === "string" && looksLikeList(cell))))
    return { is: "classes", why: "its values are lists" };
  const texts = cells.flatMap((cell) => (typeof cell === "object" ? [] : [String(cell).trim()])).filter(Boolean);
  const numbers = texts.filter((text) => isNumberText(text) || /^[+-]?nan$/i.test(text));
  if (texts.length > 0 && numbers.length === texts.length) {
    const decimal = numbers.find((text) => !Number.isInteger(Number(text)) && !/nan$/i.test(text));
    if (decimal !== undefined) return { is: "number", why: `its values have decimals (${decimal})` };
    return { is: "class", why: "its values are whole numbers", looksRated: looksRated(texts.map(Number)) };
  }
  const separator = labelSeparator(texts);
  if (separator !== undefined) {
    const example = texts.find((text) => text.includes(separator))!;
    return { is: "classes", separator, why: `"${separator}" separates labels in its values (${example})` };
  }
  return { is: "class", why: "its values are words" };
}

/** Ratings count from 1, classes that have numbers for names mostly from 0. */
const looksRated = (values: readonly number[]): boolean =>
  new Set(values).size >= 3 && values.every((value) => value >= 1 && value <= 10);

/** A list as JSON, or as Python prints it, which reading then refuses with the remedy. */
function looksLikeList(text: string): boolean {
  return /^\s*\[\s*'/.test(text) || listInText(text) !== undefined;
}

/** What separates the labels of these texts, if anything does. */
export function labelSeparator(texts: readonly string[]): string | undefined {
  if (texts.some((text) => text.includes("|"))) return "|";
  // A comma may belong to a name ("Food, drink"): it separates where fewer labels than combinations come out.
  const whole = new Set(texts);
  const parts = texts.flatMap((text) => text.split(",").map((part) => part.trim()));
  const distinct = new Set(parts);
  const isList = texts.some((text) => text.includes(",")) && distinct.size < whole.size && !distinct.has("");
  return isList && [...distinct].every((part) => part.length <= 50) ? "," : undefined;
}
