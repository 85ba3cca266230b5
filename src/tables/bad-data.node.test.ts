import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { type ColumnSource, parquetWriteBuffer } from "hyparquet-writer";
import { afterAll, beforeAll, expect, test } from "vitest";
import { GraftError } from "../base/index.ts";
import { statData } from "./file-source.node.ts";
import { type DatasetOptions, openDataset } from "./index.node.ts";
import { type ColumnNames, findColumns, type LabelledOptions, openLabelled } from "./index.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "graft-bad-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Case {
  /** Files by name below a folder of the case's own. */
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  /** What is opened; default the first file, or the folder where there are several. */
  readonly open?: string;
  readonly dataset?: DatasetOptions;
  readonly names?: ColumnNames;
  readonly options?: LabelledOptions;
}

let cases = 0;

/** From file to labelled rows, as a command does before it trains. */
async function understand({ files, open, dataset, names, options }: Case) {
  const own = join(folder, String(cases++));
  await mkdir(own);
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(own, name)), { recursive: true });
    await writeFile(join(own, name), content);
  }
  const [first] = Object.keys(files);
  const found = await openDataset(join(own, open ?? (Object.keys(files).length === 1 ? first! : ".")), dataset);
  const columns = await findColumns(found.splits.train, names);
  return openLabelled(found, columns, options);
}

const many = (label: (k: number) => string | number, count = 20) =>
  Array.from({ length: count }, (_, k) => `text number ${k},${label(k)}`);
const csv = (...rows: (string | string[])[]) => `text,label\n${rows.flat().join("\n")}\n`;
const good = many((k) => "ab"[k % 2]!);
const lines = (...rows: unknown[]) =>
  rows.map((row) => (typeof row === "string" ? row : JSON.stringify(row))).join("\n");
const goodLines = good.map((_, k) => ({ text: `text number ${k}`, label: "ab"[k % 2] }));
const parquet = (columnData: ColumnSource[], options = {}) =>
  new Uint8Array(parquetWriteBuffer({ columnData, ...options }));
const texts = { name: "text", data: goodLines.map(({ text }) => text) };
const labels = { name: "label", data: goodLines.map(({ label }) => label) };
const damage = (bytes: Uint8Array, from: number, count: number) => new Uint8Array(bytes).fill(0xaa, from, from + count);
const latin1 = Buffer.from(csv(good, "caf\u00e9 cr\u00e8me,a"), "latin1");
const pairs = (rows: [string, string, unknown][]) =>
  lines(...rows.map(([sentence1, sentence2, score]) => ({ sentence1, sentence2, score })));

const refused: [what: string, given: Case, code: string, message: RegExp][] = [
  // Files
  [
    "a missing file",
    { files: { "tickets.csv": "" }, open: "ticket.csv" },
    "FILE_MISSING",
    /there is no such file\. did you mean "tickets\.csv"\? Check the path/,
  ],
  [
    "an empty file",
    { files: { "x.csv": "" } },
    "DATA_EMPTY",
    /"x\.csv": the file is empty\. Give one with a header and rows/,
  ],
  ["an empty JSON file", { files: { "x.jsonl": "\n\n" } }, "DATA_EMPTY", /"x\.jsonl": the file is empty/],
  [
    "a header only",
    { files: { "x.csv": "text,label\n" } },
    "EMPTY_SPLIT|NO_COLUMN",
    /x\.csv: it has a header and no rows/,
  ],
  [
    "an unknown ending",
    { files: { "x.cvs": csv(good) } },
    "UNKNOWN_FORMAT",
    /\.cvs is no table that graft reads\. did you mean "csv"\?/,
  ],
  ["a spreadsheet", { files: { "x.xlsx": "PK" } }, "UNKNOWN_FORMAT", /Save the sheet as CSV/],
  ["no ending", { files: { table: csv(good) } }, "UNKNOWN_FORMAT", /its name has no ending/],
  [
    "a text file without tags",
    { files: { "x.txt": "just some prose here\nand more of it\n" } },
    "UNKNOWN_FORMAT",
    /\.txt is no table/,
  ],
  ["a zip", { files: { "x.csv.zip": "PK" } }, "DATA_COMPRESSED", /packed as \.zip.*`unzip x\.csv\.zip`/],
  [
    "a gzip that is cut off",
    { files: { "x.csv.gz": gzipSync(csv(good)).subarray(0, 60) } },
    "DATA_COMPRESSED",
    /cut off or damaged.*`gzip -t`/,
  ],
  ["packed Parquet", { files: { "x.parquet.gz": gzipSync("x") } }, "DATA_COMPRESSED", /Unpack it first/],
  // Folders
  [
    "a folder that is called a file",
    { files: { "x.csv/readme": "" }, open: "x.csv" },
    "NO_DATA",
    /folder .*x\.csv: it holds no \.csv/,
  ],
  ["an empty folder", { files: { ".hidden": "" }, open: "." }, "NO_DATA", /: it is empty\. Check the path/],
  [
    "a folder of pictures",
    { files: { "train/cat/1.png": "" }, open: "." },
    "NO_DATA",
    /it holds pictures and no table/,
  ],
  ["arrow files", { files: { "data-00000.arrow": "" }, open: "." }, "NO_DATA", /save_to_disk.*to_parquet/],
  [
    "no training file",
    { files: { "test.csv": csv(good), "dev.csv": csv(good) } },
    "NO_DATA",
    /it has no training file, only dev\.csv, test\.csv/,
  ],
  [
    "two formats",
    { files: { "train.csv": csv(good), "train.jsonl": lines(...goodLines) } },
    "MIXED_FORMATS",
    /its train files are of several formats: train\.csv, train\.jsonl/,
  ],
  [
    "files that do not belong together",
    { files: { "train-1.csv": csv(good), "train-2.csv": "a,b\n1,2\n" } },
    "DATA_COLUMNS",
    /train-2\.csv: its columns \(a, b\) are not those of train-1\.csv \(text, label\)/,
  ],
  // Encodings and lines
  ["Latin-1", { files: { "x.csv": latin1 } }, "DATA_ENCODING", /x\.csv line 22: byte \d+ \(0xE9\) is not UTF-8.*iconv/],
  [
    "UTF-16 without a mark",
    { files: { "x.csv": Buffer.from(csv(good), "utf16le") } },
    "DATA_ENCODING",
    /UTF-16 without its mark.*iconv -f UTF-16LE/,
  ],
  [
    "a binary file",
    { files: { "x.csv": Uint8Array.of(1, 2, 0, 255, 9) } },
    "DATA_ENCODING",
    /its byte 2 is zero: it is no text/,
  ],
  [
    "a UTF-8 character cut at the end",
    { files: { "x.csv": Buffer.concat([Buffer.from(csv(good)), Buffer.of(0xc3)]) } },
    "DATA_ENCODING",
    /x\.csv line 22: byte \d+ \(0xC3\)/,
  ],
  [
    "an open quote",
    { files: { "x.csv": csv(good, '"never closed,a', good) } },
    "DATA_QUOTES",
    /x\.csv line 22: a quote is opened there and never closed/,
  ],
  [
    "a stray quote",
    { files: { "x.csv": csv(good, '"he said "no" twice",a') } },
    "DATA_QUOTES",
    /x\.csv line 22: "n" follows a closing quote/,
  ],
  [
    "a ragged row",
    { files: { "x.csv": csv(good, "a, b, c") } },
    "DATA_ROW",
    /x\.csv line 22: it has 3 fields, the header 2\. Put quotes around/,
  ],
  [
    "columns of one name",
    { files: { "x.csv": "text,text,label\na,b,c\n" } },
    "DATA_COLUMNS",
    /column "text": the header of x\.csv names it twice/,
  ],
  [
    "a line that is not JSON",
    { files: { "x.jsonl": lines(...goodLines, "{text: 1}") } },
    "DATA_ROW",
    /x\.jsonl line 21: it is not JSON: \{text: 1\}/,
  ],
  [
    "NaN in JSON",
    { files: { "x.jsonl": lines(...goodLines, '{"text": "a", "label": NaN}') } },
    "DATA_ROW",
    /line 21: .*NaN and Infinity are no JSON: write null/,
  ],
  [
    "a JSON line that is no object",
    { files: { "x.jsonl": lines(...goodLines, "[1, 2]") } },
    "DATA_ROW",
    /line 21: it is a list, not an object/,
  ],
  [
    "a missing key",
    { files: { "x.jsonl": lines(...goodLines, { text: "a", lable: "b" }) } },
    "MISSING_CELL",
    /line 21: column "label" is not in it; it has text, lable/,
  ],
  [
    "a JSON array that is cut off",
    { files: { "x.json": JSON.stringify(goodLines).slice(0, -5) } },
    "DATA_JSON",
    /x\.json item 20: the file ends before the array does/,
  ],
  [
    "indented JSON objects",
    { files: { "x.json": JSON.stringify(goodLines[0], undefined, 2) } },
    "DATA_ROW",
    /line 1: it is not JSON: \{\. Write one JSON object a line/,
  ],
  // Parquet
  [
    "what is no Parquet",
    { files: { "x.parquet": csv(good) } },
    "DATA_PARQUET",
    /"x\.parquet": it is no Parquet, or damaged/,
  ],
  [
    "Parquet that is cut off",
    { files: { "x.parquet": parquet([texts, labels]).subarray(0, 200) } },
    "DATA_PARQUET",
    /no Parquet, or damaged/,
  ],
  [
    "a damaged row group",
    { files: { "x.parquet": damage(parquet([texts, labels], { rowGroupSize: 10 }), 4, 60) } },
    "DATA_PARQUET",
    /x\.parquet row group 1: it is no Parquet, or damaged/,
  ],
  [
    "an unknown codec",
    {
      files: {
        "x.parquet": parquet([texts, labels], { codec: "LZO", compressors: { LZO: (bytes: Uint8Array) => bytes } }),
      },
    },
    "DATA_PARQUET",
    /row group 1: it is compressed with LZO, which cannot be read\. Write it with snappy/,
  ],
  // Columns
  [
    "an unknown column",
    { files: { "x.csv": csv(good) }, names: { text: "txt" } },
    "UNKNOWN_COLUMN",
    /column "txt": x\.csv has no such column\. did you mean "text"\? It has "text", "label"/,
  ],
  [
    "no label",
    { files: { "x.csv": "text,a,b\nsome words,1,2\n" } },
    "NO_COLUMN",
    /x\.csv: none of its columns looks like the label\. Name it; there are "text", "a", "b"/,
  ],
  [
    "a column missing in a split",
    { files: { "train.csv": csv(good), "test.csv": "text,labels\na,b\n" } },
    "UNKNOWN_COLUMN",
    /column "label": test\.csv has no such column, train\.csv has\. did you mean "labels"\?/,
  ],
  [
    "a nested column as text",
    { files: { "x.jsonl": lines({ text: { en: "a" }, label: "b" }) }, names: { text: "text" } },
    "CELL_KIND",
    /x\.jsonl line 1: column "text" holds an object \(en\)\. A text is wanted/,
  ],
  [
    "an empty text",
    { files: { "x.csv": csv(good, '"  ",a') } },
    "EMPTY_TEXT",
    /x\.csv line 22: column "text" is empty/,
  ],
  [
    "a text that is null",
    { files: { "x.jsonl": lines(...goodLines, { text: null, label: "a" }) } },
    "MISSING_CELL",
    /line 21: column "text" is null/,
  ],
  // Targets
  [
    "one class",
    { files: { "x.csv": csv(many(() => "a")) } },
    "ONE_CLASS",
    /column "label" of x\.csv: all 20 rows are "a"\. Give rows of at least two classes/,
  ],
  [
    "an empty label",
    { files: { "x.csv": csv(good, "words,") } },
    "EMPTY_LABEL",
    /x\.csv line 22: column "label" is empty/,
  ],
  [
    "a NaN label",
    { files: { "x.csv": csv(good, "words,NaN") } },
    "MISSING_CELL",
    /x\.csv line 22: column "label" is NaN/,
  ],
  [
    "a NaN target",
    {
      files: {
        "x.parquet": parquet([
          { name: "text", data: ["a b", "c d", "e f"] },
          { name: "score", data: [0.5, Number.NaN, 1], type: "DOUBLE" },
        ]),
      },
    },
    "MISSING_CELL",
    /x\.parquet row 2: column "score" is NaN/,
  ],
  [
    "a word as a number",
    { files: { "x.csv": csv(good) }, names: { kind: "regress" } },
    "CELL_KIND",
    /line 2: column "label" is no finite number: a \(the first of 20 unreadable rows of 20 rows\)/,
  ],
  [
    "a decimal comma",
    { files: { "x.csv": csv('a,"1,5"') }, names: { kind: "regress" } },
    "CELL_KIND",
    /no finite number: 1,5\. Write decimals with a point/,
  ],
  ["one number", { files: { "x.csv": csv(many(() => 0.5)) } }, "ONE_CLASS", /all 20 rows have the same number, 0\.5/],
  [
    "a label only in test",
    { files: { "train.csv": csv(good), "test.csv": csv(good, "new,c") } },
    "LABEL_NOT_IN_TRAIN",
    /label "c": test\.csv line 22 \(test\) has it, no training row does\. Add training rows or correct it; train\.csv has a, b/,
  ],
  [
    "decimals as classes",
    { files: { "x.csv": csv(many((k) => k / 7)) }, names: { kind: "classify" } },
    "MANY_CLASSES",
    /20 rows have 20 different labels, e\.g\. 0, .*choose the kind regress/,
  ],
  [
    "a text as label",
    { files: { "x.csv": csv(many((k) => `words ${k}`)) } },
    "MANY_CLASSES",
    /different labels.*Choose the column that holds the classes/,
  ],
  [
    "an empty split",
    { files: { "train.csv": csv(good), "test.csv": csv() } },
    "EMPTY_SPLIT",
    /test\.csv: it has a header and no rows/,
  ],
  [
    "nothing that can be read",
    {
      files: { "x.csv": csv(",a", " ,b") },
      names: { text: "text", label: "label" },
      options: { skipUnreadable: true },
    },
    "EMPTY_SPLIT",
    /none of its 2 rows can be understood/,
  ],
  [
    "too few rows",
    { files: { "x.csv": csv("a b,1", "c d,2") } },
    "TOO_FEW_ROWS",
    /x\.csv with 2 rows: none is left to serve as validation/,
  ],
  // Words
  [
    "a word with fewer columns",
    { files: { "x.conll": "EU NNP B-ORG\nrejects O\n" } },
    "DATA_ROW",
    /x\.conll line 2: it has 2 columns, line 1 has 3/,
  ],
  [
    "CoNLL of one column",
    { files: { "x.conll": "EU\nrejects\n" } },
    "DATA_COLUMNS",
    /x\.conll line 1: it has one column/,
  ],
  [
    "tags and words of different number",
    { files: { "x.jsonl": lines({ tokens: ["a", "b"], tags: ["O"] }) } },
    "TAG_COUNT",
    /line 1: column "tags" holds 1 tag for 2 words in "tokens"/,
  ],
  [
    "lists as Python prints them",
    { files: { "x.csv": `tokens,tags\n"['a', 'b']","['O', 'X']"\n` }, names: { tokens: "tokens", tags: "tags" } },
    "CELL_KIND",
    /x\.csv line 2: column "tokens" holds a list as Python prints it\. Write it as JSON/,
  ],
  [
    "an unknown tag at validation",
    { files: { "train.conll": "a O\nb X\n\nc O\n", "dev.conll": "a Y\n" } },
    "LABEL_NOT_IN_TRAIN",
    /label "Y": dev\.conll line 1 \(validation\) has it/,
  ],
];

test.each(refused)("%s is refused in one clear line", async (_, given, code, message) => {
  const error = await understand(given).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(GraftError);
  const { message: said, code: own, thing, place, remedy } = error as GraftError;
  expect(said).toMatch(message);
  expect(own).toMatch(new RegExp(`^(${code})$`));
  for (const part of [thing, place, remedy]) expect(part).toMatch(/\S/);
  expect(said).not.toMatch(/[\r\n]|undefined|\[object/);
  expect(said.length).toBeLessThan(400 + folder.length);
});

const noted: [what: string, given: Case, note: RegExp | undefined][] = [
  ["a UTF-8 mark", { files: { "x.csv": `\uFEFF${csv(good)}` }, names: { text: "text" } }, undefined],
  ["UTF-16 with its mark", { files: { "x.csv": Buffer.from(`\uFEFF${csv(good)}`, "utf16le") } }, undefined],
  ["a line of 10 MB", { files: { "x.csv": csv(good, `${"x".repeat(10_000_000)},a`) } }, undefined],
  ["gzip", { files: { "x.csv.gz": gzipSync(csv(good)) } }, undefined],
  ["labels with blanks around", { files: { "x.csv": csv(good, "words, a ") } }, /blanks around 1 label were taken off/],
  [
    "labels that differ in case",
    { files: { "x.csv": csv(good, "words,A", "more words,A") } },
    /labels "a" and "A" differ in case only/,
  ],
  [
    "a negative score",
    { files: { "x.jsonl": pairs(goodLines.map(({ text }, k) => [text, "b c", k / 10 - 1])) } },
    /scores go from -1 to 0\.9: below 0 means unlike/,
  ],
  [
    "semicolons",
    { files: { "x.csv": `text;label\n${good.join("\n").replaceAll(",", ";")}\n` } },
    /separated by semicolons/,
  ],
  [
    "bad rows, skipped when asked",
    { files: { "x.csv": csv(good, "a,b,c", ",a") }, options: { skipUnreadable: true } },
    /2 unreadable rows of x\.csv left out/,
  ],
  [
    "the same text in train and test",
    { files: { "train.csv": csv(good), "test.csv": csv("TEXT  number 3,b", "new,a") } },
    /1 of 2 test rows are in training too/,
  ],
  [
    "unbalanced classes",
    { files: { "x.csv": csv(many((k) => (k < 3 ? "rare" : "usual"), 90)) } },
    /classes are unbalanced: "usual" has \d+ training rows, "rare" has 1/,
  ],
];

test.each(noted)("%s is taken, and noted where it matters", async (_, given, note) => {
  const { notes, classes, columns } = await understand(given);
  expect(columns.kind === "pair_score" || classes.length >= 2).toBe(true);
  const own = notes.filter((each) => !/^no (validation|test) split/.test(each));
  if (note === undefined) expect(own).toEqual([]);
  else expect(own).toContainEqual(expect.stringMatching(note));
});

test("a relative path that leads nowhere says from which folder it was seen", async () => {
  await expect(statData("no-such-folder/tickets.csv")).rejects.toThrow(`which is seen from ${process.cwd()}`);
  await expect(statData("/no-such-folder/tickets.csv")).rejects.toThrow(/Check the path$/);
});
