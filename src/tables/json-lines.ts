import { GraftError } from "../base/index.ts";
import { emptyFile } from "./csv.ts";
import { type ByteSource, unpacked } from "./source.ts";
import { type Cell, faultyRow, type Row, type Table } from "./table.ts";
import { decodeText, linesOf } from "./text.ts";

/** Rows whose keys name the columns. */
const ROWS_FOR_COLUMNS = 100;

/**
 * Open a file with one JSON object a line.
 * @throws GraftError DATA_EMPTY, DATA_ENCODING, DATA_LINE_TOO_LONG, DATA_ROW where none of the first rows can be read
 */
export async function openJsonLines(source: ByteSource): Promise<Table> {
  const { name } = source;
  return jsonTable(source, "jsonl", async function* (signal) {
    for await (const lines of linesOf(decodeText(unpacked(source, signal), name), name)) {
      for (const { number, text } of lines) if (text.trim() !== "") yield jsonRow(`${name} line ${number}`, text);
    }
  });
}

/** A table of JSON objects: its columns are the keys of the first rows. */
export async function jsonTable(source: ByteSource, format: string, rows: Table["rows"]): Promise<Table> {
  const columns = new Set<string>();
  let seen = 0;
  let fault: GraftError | undefined;
  for await (const row of rows()) {
    fault ??= row.fault;
    for (const key of Object.keys(row.cells)) columns.add(key);
    if (++seen === ROWS_FOR_COLUMNS) break;
  }
  if (seen === 0) throw emptyFile(source.name, "JSON objects");
  if (columns.size === 0 && fault) throw fault;
  return { name: source.name, format, folder: source.folder, columns: [...columns], rows };
}

/** One JSON object as a row. */
export function jsonRow(place: string, text: string): Row {
  let value: Cell;
  try {
    value = JSON.parse(text) as Cell;
  } catch (cause) {
    return faultyRow(place, notJson(place, text, cause));
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array))
    return { place, cells: value as Row["cells"] };
  const kind = value === null ? "null" : Array.isArray(value) ? "a list" : `a ${typeof value}`;
  const remedy = 'Write each row as an object, e.g. {"text": "…", "label": "…"}';
  return faultyRow(place, new GraftError("DATA_ROW", { thing: place, place: `it is ${kind}, not an object`, remedy }));
}

function notJson(place: string, text: string, cause: unknown): GraftError {
  const hasNaN = /[:,[]\s*-?(?:NaN|Infinity)\b/.test(text);
  const start = text.trim().slice(0, 40);
  return new GraftError("DATA_ROW", {
    thing: place,
    place: `it is not JSON: ${start}${text.trim().length > 40 ? " …" : ""}`,
    remedy: hasNaN ? "NaN and Infinity are no JSON: write null, or leave the row out" : "Write one JSON object a line",
    cause,
  });
}
