import { GraftError } from "../base/index.ts";

export interface Column {
  readonly title: string;
  /** Default left. */
  readonly align?: "left" | "right";
}

/** One table for every face: the same rows aligned for a terminal or written as markdown. */
export interface Table {
  readonly columns: readonly Column[];
  /** A cell per column. Terminal colours in a cell take no width, and are dropped in markdown. */
  readonly rows: readonly (readonly string[])[];
}

/**
 * Align a table for a terminal: titles, a rule, rows; two spaces between columns.
 * @returns lines, each ended by a line feed
 * @throws  GraftError BAD_TABLE if a row has not a cell per column
 */
export function terminalTable(table: Table): string {
  checkTable(table);
  const titles = table.columns.map(({ title }) => title);
  const lines = [titles, ...table.rows].map((row) => row.map(oneLine));
  const widths = titles.map((_, c) => Math.max(...lines.map((row) => displayWidth(row[c]!))));
  const write = (row: readonly string[]) => row.map((cell, c) => pad(cell, widths[c]!, table.columns[c]!)).join("  ");
  const [head = [], ...body] = lines;
  return [write(head), widths.map((width) => "─".repeat(width)).join("  "), ...body.map(write)]
    .map((line) => `${line.trimEnd()}\n`)
    .join("");
}

/**
 * Write a table as GitHub-flavoured markdown; bars in cells are escaped.
 * @returns lines, each ended by a line feed
 * @throws  GraftError BAD_TABLE if a row has not a cell per column
 */
export function markdownTable(table: Table): string {
  checkTable(table);
  const write = (row: readonly string[]) => `| ${row.join(" | ")} |\n`;
  const cell = (text: string) => oneLine(text).replace(colors, "").replace(/[\\|]/g, "\\$&");
  return [
    write(table.columns.map(({ title }) => cell(title))),
    write(table.columns.map(({ align }) => (align === "right" ? "--:" : "---"))),
    ...table.rows.map((row) => write(row.map(cell))),
  ].join("");
}

/** Columns a text takes in a terminal: two for East Asian wide characters and emoji, none for marks and colours. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const { segment } of segmenter.segment(text.replace(colors, ""))) width += graphemeWidth(segment);
  return width;
}

const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });

// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what starts a colour
const colors = /\u001b\[[\d;]*m/g;

function graphemeWidth(grapheme: string): number {
  if (/^[\p{Control}\p{Mark}\p{Format}]/u.test(grapheme)) return 0;
  if (/\p{Emoji_Presentation}|\ufe0f/u.test(grapheme)) return 2;
  if (/^[\uff61-\uffdc]/.test(grapheme)) return grapheme.length; // half-width forms, each mark on its own
  return /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]/u.test(
    grapheme,
  )
    ? 2
    : 1;
}

function pad(cell: string, width: number, { align = "left" }: Column): string {
  const space = " ".repeat(width - displayWidth(cell));
  return align === "right" ? space + cell : cell + space;
}

const oneLine = (text: string): string => text.replace(/\s+/g, " ");

function checkTable({ columns, rows }: Table): void {
  const bad = rows.findIndex((row) => row.length !== columns.length);
  if (bad < 0) return;
  throw new GraftError("BAD_TABLE", {
    thing: `row ${bad + 1} of a table`,
    place: `it has ${rows[bad]!.length} cells, but there are ${columns.length} columns`,
    remedy: "Give each row a cell per column, an empty one where there is nothing",
  });
}
