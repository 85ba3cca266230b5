import { GraftError } from "../base/index.ts";
import { emptyFile } from "./csv.ts";
import { type ByteSource, unpacked } from "./source.ts";
import { counted, faultyRow, type Row, type Table } from "./table.ts";
import { decodeText, type Line, linesOf } from "./text.ts";

/**
 * Open a CoNLL file: a word and its tags a line, separated by tabs (where the first line has one) or blanks; an empty line
 * after each sentence; -DOCSTART- lines are left out. A row is a sentence: `tokens` holds the first column, `tags` the
 * last, `column2` and so on those between, each a list.
 * @throws GraftError DATA_EMPTY, DATA_COLUMNS for a file of one column, DATA_ENCODING, DATA_LINE_TOO_LONG
 */
export async function openConll(source: ByteSource): Promise<Table> {
  const { name, folder } = source;
  const layout = await findLayout(source);
  const columns = ["tokens", ...Array.from({ length: layout.count - 2 }, (_, k) => `column${k + 2}`), "tags"];
  return {
    name,
    format: "conll",
    folder,
    columns,
    async *rows(signal) {
      let sentence: Line[] = [];
      for await (const lines of linesOf(decodeText(unpacked(source, signal), name), name)) {
        for (const line of lines) {
          if (line.text.trim() !== "") sentence.push(line);
          else if (sentence.length > 0) {
            yield* toRows(name, columns, layout, sentence);
            sentence = [];
          }
        }
      }
      if (sentence.length > 0) yield* toRows(name, columns, layout, sentence);
    },
  };
}

interface Layout {
  readonly separator: RegExp;
  readonly count: number;
  /** The line that says so. */
  readonly line: number;
}

async function findLayout(source: ByteSource): Promise<Layout> {
  const { name } = source;
  for await (const lines of linesOf(decodeText(unpacked(source), name), name)) {
    const line = lines.find(({ text }) => text.trim() !== "" && !isAside(text));
    if (line === undefined) continue;
    const separator = line.text.includes("\t") ? /\t/ : /[ \u00a0]+/;
    const count = line.text.trimEnd().split(separator).length;
    if (count >= 2) return { separator, count, line: line.number };
    throw new GraftError("DATA_COLUMNS", {
      thing: `${name} line ${line.number}`,
      place: "it has one column; CoNLL has a word and its tag in each line",
      remedy: "Separate word and tag by a blank or a tab",
    });
  }
  throw emptyFile(name, "a word and its tag a line");
}

/** Lines that are no words: the start of a document, and comments (`# id 7`; a word # has its tag and no more). */
function isAside(text: string): boolean {
  return text.startsWith("-DOCSTART-") || /^#\s+\S+\s+\S/.test(text) || /^# ?\S+\s*=/.test(text);
}

function* toRows(name: string, columns: readonly string[], layout: Layout, sentence: readonly Line[]): Generator<Row> {
  const { separator, count } = layout;
  const cells = columns.map((): string[] => []);
  let place: string | undefined;
  for (const { number, text } of sentence) {
    const fields = (text.includes("\t") ? text.replace(/\r$/, "") : text.trimEnd()).split(separator);
    if (text.startsWith("-DOCSTART-") || (fields.length !== count && isAside(text))) continue;
    place ??= `${name} line ${number}`;
    if (fields.length !== count || fields.some((field) => field.trim() === "")) {
      const fault = new GraftError("DATA_ROW", {
        thing: `${name} line ${number}`,
        place:
          fields.length === count
            ? "one of its columns is empty"
            : `it has ${counted(fields.length, "column")}, line ${layout.line} has ${count}`,
        remedy: "Give every word all its columns, and put an empty line between sentences",
      });
      yield faultyRow(place, fault);
      return;
    }
    for (const [k, field] of fields.entries()) cells[k]!.push(field.trim());
  }
  if (place !== undefined) yield { place, cells: Object.fromEntries(columns.map((column, k) => [column, cells[k]!])) };
}

/** Does this text look like CoNLL: lines of equally many columns, two or more, whose last is O or starts with B- or I-? */
export function looksLikeConll(sample: string): boolean {
  const lines = sample.split(/\r\n?|\n/).slice(0, 2000);
  const words = lines
    .slice(0, lines.length > 1 ? -1 : 1) // the last may be cut
    .filter((line) => line.trim() !== "" && !isAside(line))
    .map((line) => line.trim().split(line.includes("\t") ? /\t/ : /[ \u00a0]+/));
  const count = words[0]?.length ?? 0;
  const isTag = (word: string) => /^(O$|[BI]-)/.test(word);
  return count >= 2 && words.every((word) => word.length === count) && words.some((word) => isTag(word.at(-1)!));
}
