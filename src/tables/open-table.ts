import { didYouMean, GraftError } from "../base/index.ts";
import { looksLikeConll, openConll } from "./conll.ts";
import { type CsvOptions, openCsv, sampleText } from "./csv.ts";
import { openJson } from "./json-array.ts";
import { openJsonLines } from "./json-lines.ts";
import { openParquet } from "./parquet.ts";
import { type ByteSource, plainName } from "./source.ts";
import type { Table } from "./table.ts";

export interface TableOptions extends CsvOptions {
  /** Default: what the file's ending says. */
  readonly format?: TableFormat;
}

export type TableFormat = keyof typeof openers;

const openers = {
  csv: (source: ByteSource, options: CsvOptions) => openCsv(source, "csv", options),
  tsv: (source: ByteSource, options: CsvOptions) => openCsv(source, "tsv", options),
  jsonl: openJsonLines,
  json: openJson,
  parquet: openParquet,
  conll: openConll,
} satisfies Record<string, (source: ByteSource, options: CsvOptions) => Promise<Table>>;

/** Formats by ending, without the dot. */
const endings: Readonly<Record<string, TableFormat>> = {
  csv: "csv",
  tsv: "tsv",
  tab: "tsv",
  jsonl: "jsonl",
  ndjson: "jsonl",
  json: "json",
  parquet: "parquet",
  conll: "conll",
  bio: "conll",
  iob: "conll",
  iob2: "conll",
};

const elsewhere: Readonly<Record<string, string>> = {
  xlsx: "Save the sheet as CSV (UTF-8)",
  xls: "Save the sheet as CSV (UTF-8)",
  ods: "Save the sheet as CSV (UTF-8)",
  arrow: "Write it as Parquet, e.g. `dataset.to_parquet(…)` in Python's datasets",
  feather: "Write it as Parquet",
  orc: "Write it as Parquet",
  pkl: "Write it as Parquet or CSV; pickles can run code and are not read",
  conllu: "Keep its word column and the tag you want, as two columns in a .conll file",
  xml: "Write it as CSV or JSON lines",
};

/** The format a file's ending names, or undefined. */
export function formatOf(name: string): TableFormat | undefined {
  const ending = endingOf(name.replace(/\.gz$/i, ""));
  return Object.hasOwn(endings, ending) ? endings[ending] : undefined;
}

/**
 * Open one file as a table.
 * @throws GraftError UNKNOWN_FORMAT for an ending that names no format, and what the format's opener throws
 */
export async function openTable(source: ByteSource, options: TableOptions = {}): Promise<Table> {
  const plain = plainName(source.name);
  const format = options.format ?? formatOf(plain) ?? (await sniffFormat(source, plain));
  if (format === "parquet" && plain !== source.name) {
    throw new GraftError("DATA_COMPRESSED", {
      thing: `"${source.name}"`,
      place: "Parquet is read in pieces from anywhere in the file, which a packed one does not allow",
      remedy: `Unpack it first (\`gunzip ${source.name}\`)`,
    });
  }
  return openers[format](source, options);
}

/** A `.txt` file is often CoNLL; anything else needs its format said. */
async function sniffFormat(source: ByteSource, name: string): Promise<TableFormat> {
  const ending = endingOf(name);
  if (ending === "txt" && looksLikeConll(await sampleText(source))) return "conll";
  const known = Object.keys(endings);
  const remedy = Object.hasOwn(elsewhere, ending)
    ? elsewhere[ending]!
    : `${didYouMean(ending, known)}Rename it to one of ${known.map((each) => `.${each}`).join(", ")}, or say its format (${Object.keys(openers).join(", ")})`;
  throw new GraftError("UNKNOWN_FORMAT", {
    thing: `"${source.name}"`,
    place: ending === "" ? "its name has no ending that says its format" : `.${ending} is no table that graft reads`,
    remedy,
  });
}

function endingOf(name: string): string {
  const dot = name.lastIndexOf(".");
  return dot <= 0 ? "" : name.slice(dot + 1).toLowerCase();
}
