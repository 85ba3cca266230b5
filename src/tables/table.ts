import { didYouMean, GraftError } from "../base/index.ts";

/** What a cell of a table may hold, whatever the file's format: dates come as ISO text, missing values as null. */
export type Cell =
  | string
  | number
  | boolean
  | bigint
  | null
  | Uint8Array
  | readonly Cell[]
  | { readonly [key: string]: Cell };

export interface Row {
  /** Where it stands, for people: `tickets.csv line 17`. */
  readonly place: string;
  readonly cells: Readonly<Record<string, Cell>>;
  /** Why this row could not be read, where only the row is at fault and those after it can be; `cells` is empty then. */
  readonly fault?: GraftError;
}

/** What a data set says about a column of its own. */
export interface Feature {
  /** Names of the classes that the column's integers stand for (ClassLabel, also inside a list). */
  readonly classNames?: readonly string[];
  /** The column holds pictures. */
  readonly image?: boolean;
}

/** Rows that can be read again and again, one after the other, never all held at once. */
export interface Table {
  /** The file's name, or `train` for several files. */
  readonly name: string;
  readonly format: string;
  readonly columns: readonly string[];
  /** Path that relative picture paths in cells start from; undefined where there is none (a page). */
  readonly folder?: string;
  readonly features?: Readonly<Record<string, Feature>>;
  /** What a reader of results should know about how the file was read. */
  readonly notes?: readonly string[];
  /** @throws GraftError DATA_* where the file cannot be read on; a single bad row comes with its `fault` instead. */
  rows(signal?: AbortSignal): AsyncIterable<Row>;
}

export type SplitName = "train" | "validation" | "test";
export const splitNames: readonly SplitName[] = ["train", "validation", "test"];

export interface Dataset {
  readonly splits: { readonly train: Table; readonly validation?: Table; readonly test?: Table };
  readonly notes: readonly string[];
}

/** A row's cell; undefined where the row has no such key. Never what objects inherit. */
export function cellOf(row: Row, column: string): Cell | undefined {
  return Object.hasOwn(row.cells, column) ? row.cells[column] : undefined;
}

/** A row that could not be read. */
export function faultyRow(place: string, fault: GraftError): Row {
  return { place, cells: {}, fault };
}

/** The error for a column that is not there: what is near, and all there are. */
export function unknownColumn(column: string, table: Pick<Table, "name" | "columns">, place?: string): GraftError {
  return new GraftError("UNKNOWN_COLUMN", {
    thing: `column "${column}"`,
    place: place ?? `${table.name} has no such column`,
    remedy: `${didYouMean(column, table.columns)}It has ${listed(table.columns.map((name) => `"${name}"`))}`,
  });
}

/** `a, b, c`, with the rest of a long list counted. */
export function listed(names: readonly string[], most = 20): string {
  const shown = names.slice(0, most).join(", ");
  return names.length <= most ? shown : `${shown} and ${names.length - most} more`;
}

/** `1 row`, `2 rows`. */
export function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? "" : "s"}`;
}

/** Refuse columns of one name: a row could not hold both. */
export function checkColumns(columns: readonly string[], place: string): void {
  const twice = columns.find((name, k) => columns.indexOf(name) < k);
  if (twice === undefined) return;
  throw new GraftError("DATA_COLUMNS", {
    thing: `column "${twice}"`,
    place: `${place} names it twice`,
    remedy: "Rename or remove one of them",
  });
}

/** The error for a table without a row. */
export function noRows({ name, format }: Pick<Table, "name" | "format">): GraftError {
  const place = format === "csv" || format === "tsv" ? "it has a header and no rows" : "it has no rows";
  return new GraftError("EMPTY_SPLIT", { thing: name, place, remedy: "Add rows, or remove the file" });
}
