import { GraftError } from "../base/index.ts";
import { type CsvRecord, csvParser } from "./csv-parser.ts";
import { type ByteSource, unpacked } from "./source.ts";
import { checkColumns, counted, faultyRow, type Row, type Table } from "./table.ts";
import { decodeText } from "./text.ts";

export interface CsvOptions {
  /** One character; default: the one of `,` `;` tab `|` that the header has most of, tab for TSV. */
  readonly delimiter?: string;
  /** Whether quotes enclose fields; default yes, for TSV unless its beginning shows that they are plain characters. */
  readonly quotes?: boolean;
}

const delimiters = [",", ";", "\t", "|"];
const called: Readonly<Record<string, string>> = { ",": "comma", ";": "semicolon", "\t": "tab", "|": "bar" };

/** How much of a file is looked at before it is read, in characters. */
const SAMPLE = 1 << 20;

/**
 * Open a CSV or TSV file whose first row names the columns.
 * @throws GraftError DATA_EMPTY, DATA_COLUMNS, DATA_ENCODING, DATA_QUOTES, DATA_LINE_TOO_LONG
 */
export async function openCsv(source: ByteSource, format: "csv" | "tsv", options: CsvOptions = {}): Promise<Table> {
  const { name, folder } = source;
  const sample = await sampleText(source);
  const notes: string[] = [];
  const delimiter = options.delimiter ?? (format === "tsv" ? "\t" : likelyDelimiter(sample));
  if (format === "csv" && delimiter !== "," && options.delimiter === undefined)
    notes.push(`${name}: fields are separated by ${called[delimiter]}s, as its header is`);
  const plainQuote = format === "tsv" && options.quotes === undefined ? firstPlainQuote(name, sample) : undefined;
  if (plainQuote !== undefined)
    notes.push(`${name}: quotes are read as characters, as line ${plainQuote} has some that enclose no field`);
  const quotes = options.quotes ?? plainQuote === undefined;
  const records = (signal?: AbortSignal) => readRecords(source, delimiter, quotes, signal);

  const columns = await header(name, records());
  return {
    name,
    format,
    folder,
    columns,
    notes,
    async *rows(signal) {
      let isHeader = true;
      for await (const batch of records(signal)) {
        for (const record of batch) {
          if (isHeader) isHeader = false;
          else if (columns.length === 1 || record.fields.length > 1 || record.fields[0]!.trim() !== "")
            yield toRow(name, columns, record);
        }
      }
    },
  };
}

async function* readRecords(source: ByteSource, delimiter: string, quotes: boolean, signal?: AbortSignal) {
  const parser = csvParser(source.name, delimiter, quotes);
  for await (const text of decodeText(unpacked(source, signal), source.name)) yield parser.push(text);
  yield parser.end();
}

async function header(name: string, records: AsyncIterable<readonly CsvRecord[]>): Promise<string[]> {
  for await (const [first] of records) {
    if (first === undefined) continue;
    if (first.fault) throw first.fault;
    // A first column without a name is an index that pandas wrote.
    const columns = first.fields.map((field, k) => field.trim() || `column${k + 1}`);
    checkColumns(columns, `the header of ${name}`);
    return columns;
  }
  throw emptyFile(name, "a header and rows");
}

function toRow(name: string, columns: readonly string[], record: CsvRecord): Row {
  const { line, lastLine, fields } = record;
  const place = `${name} line ${line}`;
  if (record.fault) return faultyRow(place, record.fault);
  if (fields.length !== columns.length) {
    const extent = lastLine > line ? ` (a quoted field spans lines ${line} to ${lastLine})` : "";
    const fault = new GraftError("DATA_ROW", {
      thing: place,
      place: `it has ${counted(fields.length, "field")}, the header ${columns.length}${extent}`,
      remedy: "Put quotes around a field that holds the delimiter, and write each row in full",
    });
    return faultyRow(place, fault);
  }
  return { place, cells: Object.fromEntries(columns.map((column, k) => [column, fields[k]!])) };
}

/** The error for a file without content. */
export function emptyFile(name: string, expected: string): GraftError {
  return new GraftError("DATA_EMPTY", {
    thing: `"${name}"`,
    place: "the file is empty",
    remedy: `Give one with ${expected}`,
  });
}

/** The first part of a file, as text. */
export async function sampleText(source: ByteSource): Promise<string> {
  let sample = "";
  for await (const text of decodeText(unpacked(source), source.name)) {
    sample += text;
    if (sample.length >= SAMPLE) break;
  }
  return sample;
}

function likelyDelimiter(sample: string): string {
  const end = sample.search(/\S[^\r\n]*[\r\n]/);
  const firstLine = sample.slice(Math.max(0, end)).split(/[\r\n]/, 1)[0]!;
  const bare = firstLine.replace(/"(?:[^"]|"")*"/g, "");
  const counts = delimiters.map((delimiter) => bare.split(delimiter).length - 1);
  return delimiters[counts.indexOf(Math.max(...counts))]!;
}

/**
 * The first line that cannot be read with quotes around fields, in a sample that can be read with quotes as characters:
 * TSV files come in both kinds.
 */
function firstPlainQuote(name: string, sample: string): number | undefined {
  if (firstBadLine(name, sample, false) !== undefined) return undefined;
  return firstBadLine(name, sample, true);
}

function firstBadLine(name: string, sample: string, quotes: boolean): number | undefined {
  const parser = csvParser(name, "\t", quotes);
  const records = parser.push(sample);
  // What the end of the sample may have cut is not judged.
  const isWhole = sample.length < SAMPLE;
  const count = records[0]?.fields.length;
  const isBad = ({ fields, fault }: CsvRecord) =>
    fault !== undefined || (fields.length !== count && (fields.length > 1 || fields[0]!.trim() !== ""));
  try {
    return [...records, ...(isWhole ? parser.end() : [])].find(isBad)?.line;
  } catch {
    return (records.at(-1)?.lastLine ?? 0) + 1;
  }
}
