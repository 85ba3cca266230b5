import { GraftError } from "../base/index.ts";
import { type Cell, cellOf, type Row } from "./table.ts";

/**
 * Readers of one cell each. All throw a GraftError that names the row by place: MISSING_CELL (no such key, null, NaN),
 * EMPTY_TEXT, EMPTY_LABEL, UNLABELLED (−1 in a column of class names), CELL_KIND (a list where a text is wanted, a word
 * where a number is) or UNKNOWN_CLASS.
 */
export function textIn(row: Row, column: string): string {
  const text = plainText(row, column, "text");
  if (text.trim() !== "") return text;
  throw cellError("EMPTY_TEXT", row, column, "is empty", "Fill it in or leave the row out");
}

/** One text, or a list of them. */
export function textsIn(row: Row, column: string): string[] {
  const cell = cellOf(row, column);
  if (!Array.isArray(cell)) return [textIn(row, column)];
  return cell.map((item: Cell) => textIn({ ...row, cells: { [column]: item } }, column));
}

/** A class by name, blanks around it taken off; an integer by the column's class names where it has some. */
export function labelIn(row: Row, column: string, classNames?: readonly string[]): string {
  const label = plainText(row, column, "label").trim();
  if (label === "") throw cellError("EMPTY_LABEL", row, column, "is empty", "Fill in the label or leave the row out");
  if (/^[+-]?nan$/i.test(label))
    throw cellError("MISSING_CELL", row, column, "is NaN", "Fill in the label or leave the row out");
  return classNames === undefined ? label : className(label, row, column, classNames);
}

/** Labels as a list, or as one text that `separator` separates; none is fine. */
export function labelsIn(
  row: Row,
  column: string,
  separator: string | undefined,
  classNames?: readonly string[],
): string[] {
  const items = listIn(row, column) ?? partsOf(plainText(row, column, "labels"), separator);
  return [...new Set(items.map((item) => labelIn({ ...row, cells: { [column]: item } }, column, classNames)))];
}

function partsOf(text: string, separator: string | undefined): string[] {
  const parts = separator === undefined ? [text] : text.split(separator);
  return parts.filter((part) => part.trim() !== "");
}

/** A finite number, also written as text. */
export function numberIn(row: Row, column: string): number {
  const text = plainText(row, column, "number").trim();
  if (text === "") throw cellError("EMPTY_LABEL", row, column, "is empty", "Fill in the number or leave the row out");
  const value = isNumberText(text) ? Number(text) : Number.NaN;
  if (Number.isFinite(value)) return value;
  const remedy = /^[+-]?\d+,\d+$/.test(text)
    ? "Write decimals with a point"
    : "Write a finite number or leave the row out; for classes by name choose the kind classify";
  throw cellError("CELL_KIND", row, column, `is no finite number: ${shortened(text)}`, remedy);
}

/** A list of words or tags, or one text of them separated by blanks. */
export function wordsIn(row: Row, column: string, classNames?: readonly string[]): string[] {
  const items = listIn(row, column) ?? plainText(row, column, "list").trim().split(/\s+/);
  if (items.length === 0 || (items.length === 1 && items[0] === ""))
    throw cellError("EMPTY_TEXT", row, column, "holds no word", "Leave the row out");
  return items.map((item) => {
    const single = { ...row, cells: { [column]: item } };
    return classNames === undefined ? textIn(single, column) : labelIn(single, column, classNames);
  });
}

/** An encoded picture's bytes, or the path of its file as the table has it. */
export function imageIn(row: Row, column: string): Uint8Array | string {
  const cell = presentCell(row, column);
  const inner = isStruct(cell) ? (cell.bytes ?? cell.path) : cell;
  if (inner instanceof Uint8Array && inner.length > 0) return inner;
  if (typeof inner === "string" && inner.trim() !== "") return inner;
  const remedy = "Give the bytes of a picture file, its path, or both as {bytes, path}";
  throw cellError("CELL_KIND", row, column, `holds no picture but ${kindOf(inner ?? null)}`, remedy);
}

/** A cell's list, also where it is written as JSON in a text; undefined where it is none. */
function listIn(row: Row, column: string): readonly Cell[] | undefined {
  const cell = presentCell(row, column);
  if (Array.isArray(cell)) return cell;
  if (typeof cell !== "string") return undefined;
  if (/^\s*\[\s*'/.test(cell))
    throw cellError("CELL_KIND", row, column, "holds a list as Python prints it", 'Write it as JSON: ["a", "b"]');
  return listInText(cell);
}

/** The list that a text holds as JSON, e.g. in a CSV file. */
export function listInText(text: string): readonly Cell[] | undefined {
  if (!/^\s*\[[\s\S]*\]\s*$/.test(text)) return undefined;
  try {
    return JSON.parse(text) as Cell[];
  } catch {
    return undefined;
  }
}

/** Is this text a number in decimal notation? */
export function isNumberText(text: string): boolean {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text);
}

export function cellError(code: string, row: Row, column: string, what: string, remedy: string): GraftError {
  return new GraftError(code, { thing: row.place, place: `column "${column}" ${what}`, remedy });
}

/** A text of at most `most` characters, in one line, for people. */
export function shortened(text: string, most = 60): string {
  const line = text.replace(/\s+/g, " ").trim();
  const characters = [...line.slice(0, 2 * most)];
  return characters.length <= most && line.length <= 2 * most ? line : `${characters.slice(0, most - 1).join("")}…`;
}

function presentCell(row: Row, column: string): Exclude<Cell, null> {
  if (row.fault) throw row.fault;
  const cell = cellOf(row, column);
  if (cell === undefined) {
    const keys = Object.keys(row.cells);
    throw cellError(
      "MISSING_CELL",
      row,
      column,
      `is not in it; it has ${keys.join(", ") || "nothing"}`,
      "Add it or leave the row out",
    );
  }
  if (cell === null) throw cellError("MISSING_CELL", row, column, "is null", "Fill it in or leave the row out");
  if (typeof cell === "number" && Number.isNaN(cell))
    throw cellError("MISSING_CELL", row, column, "is NaN", "Fill it in or leave the row out");
  return cell;
}

/** What a cell says as text; `wanted` is what the error asks for. */
function plainText(row: Row, column: string, wanted: string): string {
  const cell = presentCell(row, column);
  if (typeof cell === "string") return cell;
  if (typeof cell !== "object") return String(cell);
  if (cell instanceof Uint8Array) {
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(cell);
    } catch {
      throw cellError("CELL_KIND", row, column, `holds bytes that are no text`, "Choose another column");
    }
  }
  const remedy = `A ${wanted} is wanted: choose another column, or write this one out flat`;
  throw cellError("CELL_KIND", row, column, `holds ${kindOf(cell)}`, remedy);
}

function className(label: string, row: Row, column: string, classNames: readonly string[]): string {
  if (classNames.includes(label)) return label;
  if (label === "-1")
    throw cellError("UNLABELLED", row, column, "is −1, which says that the label is withheld", "Leave the row out");
  const named = /^\d+$/.test(label) ? classNames[Number(label)] : undefined;
  if (named !== undefined) return named;
  const what = `is ${shortened(label)}, and the data set names ${classNames.length} classes`;
  throw cellError("UNKNOWN_CLASS", row, column, what, `It names ${classNames.slice(0, 20).join(", ")}`);
}

function kindOf(cell: Cell): string {
  if (cell === null) return "null";
  if (Array.isArray(cell)) return "a list";
  if (cell instanceof Uint8Array) return cell.length === 0 ? "no bytes" : "bytes";
  if (isStruct(cell)) return `an object (${Object.keys(cell).join(", ")})`;
  return cell === "" ? "nothing" : `a ${typeof cell}`;
}

function isStruct(cell: Cell): cell is { readonly [key: string]: Cell } {
  return typeof cell === "object" && cell !== null && !Array.isArray(cell) && !(cell instanceof Uint8Array);
}
