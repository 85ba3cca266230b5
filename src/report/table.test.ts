import { expect, test } from "vitest";
import { displayWidth, markdownTable, type Table, terminalTable } from "./table.ts";

const table: Table = {
  columns: [{ title: "placement" }, { title: "accuracy", align: "right" }],
  rows: [
    ["linear head", "41.2 %"],
    ["\u001b[32m3 GGA\u001b[0m edges", "63.4 ± 1.0 %"],
    ["画像 🙂", ""],
  ],
};

test("columns line up in a terminal, by width as shown", () => {
  expect(terminalTable(table)).toBe(
    [
      "placement        accuracy",
      "───────────  ────────────",
      "linear head        41.2 %",
      "\u001b[32m3 GGA\u001b[0m edges  63.4 ± 1.0 %",
      "画像 🙂",
      "",
    ].join("\n"),
  );
});

test("the same rows as markdown, without colours, bars escaped", () => {
  expect(markdownTable({ ...table, rows: [...table.rows, ["a|b\\c", "x\ny"]] })).toBe(
    [
      "| placement | accuracy |",
      "| --- | --: |",
      "| linear head | 41.2 % |",
      "| 3 GGA edges | 63.4 ± 1.0 % |",
      "| 画像 🙂 |  |",
      "| a\\|b\\\\c | x y |",
      "",
    ].join("\n"),
  );
});

test.each([
  ["", 0],
  ["abc", 3],
  ["é", 1],
  ["e\u0301", 1], // a combining accent
  ["画像", 4],
  ["ｶﾞ", 2], // half-width, with its own voicing mark
  ["ＡＢ", 4], // full-width Latin
  ["한글", 4],
  ["🙂", 2],
  ["👩‍👩‍👧", 2], // one family, joined
  ["🇨🇭", 2],
  ["❤️", 2],
  ["→ ± · █", 7],
  ["\u001b[38;5;3mred\u001b[0m", 3],
])("%j takes %i columns", (text, width) => expect(displayWidth(text)).toBe(width));

test("a table without rows is its head; a row of another length is refused", () => {
  expect(terminalTable({ ...table, rows: [] })).toBe("placement  accuracy\n─────────  ────────\n");
  const bad = () => markdownTable({ ...table, rows: [["a", "b"], ["c"]] });
  expect(bad).toThrow(expect.objectContaining({ code: "BAD_TABLE" }));
  expect(bad).toThrow("row 2 of a table: it has 1 cells, but there are 2 columns");
});
