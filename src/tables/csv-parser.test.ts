import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { expect, test } from "vitest";
import { csvParser } from "./csv-parser.ts";

/** All records of a text that comes in pieces of `step` characters. */
function records(text: string, { step = text.length, delimiter = ",", quotes = true } = {}) {
  const parser = csvParser("x.csv", delimiter, quotes);
  const found = [];
  for (let at = 0; at < text.length; at += step) found.push(...parser.push(text.slice(at, at + step)));
  return [...found, ...parser.end()];
}

const fields = (text: string, options = {}) => records(text, options).map((record) => record.fields);

const anyField = fc.string({ unit: fc.constantFrom('"', ",", "\n", "\r", "a", "é", "🙂", " ", "\t", ";") });
// A record of one empty bare field is an empty line, so the writer quotes everything.
const anyRecords = fc.array(fc.array(anyField, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 8 });
const quoted = (field: string) => `"${field.replaceAll('"', '""')}"`;

test("what is written with quotes comes back, in pieces of any length and with any line end", () => {
  const roundTrip = fc.property(
    anyRecords,
    fc.integer({ min: 1, max: 7 }),
    fc.constantFrom("\n", "\r\n", "\r"),
    (rows, step, end) => {
      const text = rows.map((row) => row.map(quoted).join(",") + end).join("");
      expect(fields(text, { step })).toEqual(rows);
      expect(records(text, { step }).every((record) => record.fault === undefined)).toBe(true);
    },
  );
  fc.assert(roundTrip, { seed: 1, numRuns: 500 });
});

test("csv-parse reads the same fields from what it accepts", () => {
  const anyText = fc.string({ unit: fc.constantFrom('"', '""', '"x"', ",", "\n", "a", "b ", "é"), maxLength: 40 });
  let compared = 0;
  const agreement = fc.property(anyText, (text) => {
    let expected: string[][];
    try {
      expected = parse(text, {
        relax_column_count: true,
        skip_empty_lines: true,
        record_delimiter: ["\n", "\r\n", "\r"],
      });
    } catch {
      return; // a stray quote: we say more about it, see below
    }
    compared++;
    expect(fields(text)).toEqual(expected);
  });
  fc.assert(agreement, { seed: 2, numRuns: 2000 });
  expect(compared).toBeGreaterThan(500);
});

test.each([["\n"], ["\r\n"], ["\r"]])("records know their lines, also with %j inside quotes", (end) => {
  const text = ["a,b", '"x', 'y",2', "", "3,4", ""].join(end);
  for (const step of [1, 2, 100])
    expect(records(text, { step }).map(({ line, lastLine }) => [line, lastLine])).toEqual([
      [1, 1],
      [2, 3],
      [5, 5],
    ]);
});

test("a quote within a bare field is a character; one after a closing quote spoils its line only", () => {
  const found = records('5" x 3",b\n"x"y,2\n3,4\n"a" ,b');
  expect(found.map(({ fields, fault }) => fault?.message ?? fields)).toEqual([
    ['5" x 3"', "b"],
    expect.stringContaining('x.csv line 2: "y" follows a closing quote'),
    ["3", "4"],
    expect.stringContaining('x.csv line 4: " " follows'),
  ]);
});

test("an open quote is named by the line that opens it", () => {
  expect(() => records('a,b\n1,"x\n3,4\n')).toThrow(/x\.csv line 2: a quote is opened there and never closed/);
});

test("without quotes, they are characters", () => {
  expect(fields('"a\tb"\n', { delimiter: "\t", quotes: false })).toEqual([['"a', 'b"']]);
});
