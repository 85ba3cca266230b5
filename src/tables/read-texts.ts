import { GraftError } from "../base/index.ts";
import { textIn, wordsIn } from "./cells.ts";
import { listed, type Table, unknownColumn } from "./table.ts";

/** A text, two texts that are read together, or the words of a sentence. */
export interface TextExample {
  readonly text?: string;
  readonly textPair?: string;
  readonly words?: readonly string[];
}

/** Which columns hold it. */
export interface TextColumns {
  /** Default: `text`, or the only column. */
  readonly text?: string;
  readonly textPair?: string;
  /** Words of a sentence; default `tokens`, where the text is wanted as words and there is such a column. */
  readonly tokens?: string;
}

/**
 * Read the texts of a table, without labels, to predict on them.
 * @param asWords  whether they are wanted as words: those of `tokens`, or a text cut at its blanks
 * @throws GraftError UNKNOWN_COLUMN, NO_COLUMN, EMPTY_TEXT and what reading the table throws
 */
export async function readTexts(
  table: Table,
  { text, textPair, tokens }: TextColumns,
  asWords: boolean,
  signal?: AbortSignal,
): Promise<TextExample[]> {
  for (const column of [text, textPair, tokens])
    if (column !== undefined && !table.columns.includes(column)) throw unknownColumn(column, table);
  const words = tokens ?? (text === undefined && table.columns.includes("tokens") ? "tokens" : undefined);
  const column = (asWords ? words : undefined) ?? text ?? textColumn(table);
  const examples: TextExample[] = [];
  for await (const row of table.rows(signal)) {
    if (row.fault) throw row.fault;
    examples.push(
      asWords
        ? { words: wordsIn(row, column) }
        : { text: textIn(row, column), textPair: textPair === undefined ? undefined : textIn(row, textPair) },
    );
  }
  if (examples.length > 0) return examples;
  throw new GraftError("EMPTY_SPLIT", { thing: table.name, place: "it has no rows", remedy: "Give a file with texts" });
}

function textColumn({ columns, name }: Table): string {
  if (columns.includes("text")) return "text";
  if (columns.length === 1) return columns[0]!;
  throw new GraftError("NO_COLUMN", {
    thing: name,
    place: `which column holds the text? It has ${listed(columns.map((column) => `"${column}"`))}`,
    remedy: "Say it with --text COLUMN",
  });
}
