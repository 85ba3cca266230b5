import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ColumnNames, columnsFrom } from "./columns.ts";
import { indexContents } from "./content-index.ts";
import { describeDataset } from "./describe.ts";
import { type LabelledOptions, openLabelled } from "./labelled.ts";
import { splitOff } from "./split-off.ts";
import type { Cell, Feature, Row, Table } from "./table.ts";
import { contentHash } from "./text-hash.ts";

type Cells = Record<string, Cell>;

function tableOf(name: string, rows: readonly Cells[], features?: Record<string, Feature>): Table {
  return {
    name,
    format: "csv",
    columns: Object.keys(rows[0] ?? { text: "", label: "" }),
    features,
    async *rows() {
      for (const [k, cells] of rows.entries()) yield { place: `${name} line ${k + 2}`, cells };
    },
  };
}

interface Given {
  readonly validation?: readonly Cells[];
  readonly test?: readonly Cells[];
  readonly names?: ColumnNames;
  readonly features?: Record<string, Feature>;
  readonly options?: LabelledOptions;
}

function open(train: readonly Cells[], { validation, test: testRows, names = {}, features, options }: Given = {}) {
  const splits = {
    train: tableOf("train.csv", train, features),
    validation: validation && tableOf("dev.csv", validation),
    test: testRows && tableOf("test.csv", testRows),
  };
  const sample: Row[] = train.map((cells, k) => ({ place: `train.csv line ${k + 2}`, cells }));
  return openLabelled({ splits, notes: [] }, columnsFrom(splits.train, sample, names), options);
}

/** `count` rows of a class, all different. */
const rowsOf = (label: Cell, count: number, stem = `about ${label}`): Cells[] =>
  Array.from({ length: count }, (_, k) => ({ text: `${stem}, number ${k}`, label }));

async function readAll(labelled: Awaited<ReturnType<typeof open>>, only?: "train" | "validation" | "test") {
  const found: Record<string, string[]> = { train: [], validation: [], test: [] };
  for await (const { split, example } of labelled.read(undefined, only)) found[split]!.push(example.texts![0]!);
  return found;
}

describe("splitting off", () => {
  test("shares by class, all rows once, the same again with the same seed, others with another", async () => {
    const rows = [...rowsOf("a", 100), ...rowsOf("b", 50), ...rowsOf("c", 3)];
    const labelled = await open(rows);
    // validation 10 % and test 20 % of each class, at least one
    expect([...labelled.splits.validation.balance]).toEqual([10, 5, 1]);
    expect([...labelled.splits.test.balance]).toEqual([20, 10, 1]);
    expect([...labelled.splits.train.balance]).toEqual([70, 35, 1]);
    const found = await readAll(labelled);
    expect(Object.values(found).map((list) => list.length)).toEqual([106, 16, 31]);
    expect(Object.values(found).flat().sort()).toEqual(rows.map(({ text }) => text).sort());
    expect(await readAll(await open(rows))).toEqual(found);
    expect(await readAll(await open(rows, { options: { seed: 1 } }))).not.toEqual(found);
    for (const only of ["train", "validation", "test"] as const)
      expect(await readAll(labelled, only)).toEqual({ train: [], validation: [], test: [], [only]: found[only] });
    expect(labelled.notes).toEqual([
      "no validation split: 16 training rows serve as validation (seed 0)",
      "no test split: 31 training rows serve as test (seed 0)",
      'classes are unbalanced: "a" has 70 training rows, "c" has 1',
    ]);
  });

  test("equal contents never part, whatever there is", () => {
    const anyRows = fc.array(fc.tuple(fc.nat(12), fc.nat(2)), { minLength: 1, maxLength: 80 });
    const together = fc.property(anyRows, fc.nat(5), (rows, seed) => {
      const { firstRow } = indexContents(rows.map(([content]) => content));
      const dealt = { firstRow, stratumOf: rows.map(([, stratum]) => stratum), strata: ["a", "b", "c"] };
      const parts = splitOff(dealt, { validation: 0.1, test: 0.2 }, seed);
      const partOf = new Map<number, number>();
      for (const [row, [content]] of rows.entries()) {
        expect(partOf.get(content) ?? parts[row]).toBe(parts[row]);
        partOf.set(content, parts[row]!);
      }
      // Each stratum keeps a content in training, unless all its contents belong to another one's groups.
      for (const stratum of [0, 1, 2]) {
        const own = rows.flatMap(([, each], row) => (each === stratum && firstRow[row] === row ? [parts[row]] : []));
        if (own.length > 0) expect(own).toContain(0);
      }
    });
    fc.assert(together, { seed: 4, numRuns: 300 });
  });

  test("only the missing split is taken; given ones stay as they are", async () => {
    const labelled = await open([...rowsOf("a", 10), ...rowsOf("b", 10)], { test: rowsOf("a", 3, "test") });
    expect(labelled.splits).toMatchObject({
      train: { count: 18, isSplitOff: false },
      validation: { count: 2, isSplitOff: true },
      test: { count: 3, isSplitOff: false },
    });
    expect((await readAll(labelled)).test).toEqual(["test, number 0", "test, number 1", "test, number 2"]);
  });

  test("every tag and label keeps a row in training", async () => {
    const rows = Array.from({ length: 40 }, (_, k) => ({ tokens: [`w${k}`, "x"], tags: ["O", k < 3 ? "RARE" : "O"] }));
    const { splits, classes } = await open(rows);
    expect(classes).toEqual(["O", "RARE"]);
    expect([...splits.train.balance].every((count) => count > 0)).toBe(true);
    expect(
      [...splits.train.balance, ...splits.validation.balance, ...splits.test.balance].reduce((a, b) => a + b),
    ).toBe(43);
  });
});

test("classes: by number, by code unit, or as the data set names them", async () => {
  const classesOf = async (labels: Cell[], features?: Record<string, Feature>) =>
    (
      await open(
        labels.flatMap((label) => rowsOf(label, 5)),
        { features },
      )
    ).classes;
  expect(await classesOf(["10", "9", "-1"])).toEqual(["-1", "9", "10"]);
  expect(await classesOf(["b", "a", "B", "10"])).toEqual(["10", "B", "a", "b"]);
  const names = { label: { classNames: ["zero", "one", "two"] } };
  expect(await classesOf([1n, 0n], names)).toEqual(["zero", "one", "two"]);
});

test("duplicates: case and blanks do not count; across splits they are noted", async () => {
  const a = { text: "Printer on\tfire ", label: "it" };
  const train = [a, { text: "printer ON fire", label: "hr" }, ...rowsOf("it", 10), ...rowsOf("hr", 10)];
  const labelled = await open(train, {
    test: [{ text: "printer on fire", label: "it" }, ...rowsOf("hr", 2, "new")],
    validation: rowsOf("it", 4),
  });
  expect(labelled.duplicates).toEqual({
    withinTrain: 1,
    contradictory: 1,
    validationInTrain: 4,
    testInTrain: 1,
    testInValidation: 0,
  });
  expect(labelled.notes).toEqual([
    "4 of 4 validation rows are in training too (but for case and blanks): results on them flatter",
    "1 of 3 test rows are in training too (but for case and blanks): results on them flatter",
    "1 row of train.csv repeats an earlier one",
    "1 content of train.csv has different labels in different rows",
  ]);
});

test("hashes of different contents differ, and the order of texts counts", () => {
  const anyText = fc.string({ unit: fc.constantFrom("a", "b", " ", "c"), maxLength: 6 });
  const plain = (text: string) => text.toLowerCase().replace(/\s+/g, " ").trim();
  const hashOf = (...texts: string[]) => contentHash({ texts, target: "x" });
  fc.assert(
    fc.property(anyText, anyText, (a, b) => {
      expect(hashOf(a) === hashOf(b)).toBe(plain(a) === plain(b));
    }),
    { seed: 6, numRuns: 1000 },
  );
  expect(hashOf("a", "b")).not.toBe(hashOf("b", "a"));
  expect(hashOf("a", "b")).not.toBe(hashOf("a b"));
  const many = new Set(Array.from({ length: 200_000 }, (_, k) => hashOf(`row ${k}`)));
  expect(many.size).toBe(200_000); // chance agreement of 53 bits: 2e-6
});

test("unreadable rows are counted: the first is the error, or all are left out when asked", async () => {
  const rows = [...rowsOf("a", 10), { text: " ", label: "a" }, { text: "x", label: "" }, ...rowsOf("b", 10)];
  await expect(open(rows)).rejects.toMatchObject({
    code: "EMPTY_TEXT",
    message:
      'train.csv line 12: column "text" is empty (the first of 2 unreadable rows of 22 rows). Fill it in or leave the row out, or skip such rows (skipUnreadable)',
  });
  const labelled = await open(rows, { options: { skipUnreadable: true } });
  expect(labelled.splits.train).toMatchObject({ count: 14, skipped: 2 });
  expect(labelled.notes).toContain("2 unreadable rows of train.csv left out (train)");
  expect(Object.values(await readAll(labelled)).flat()).toHaveLength(20);
});

test("a test split without labels is left out and another one taken", async () => {
  const features = { label: { classNames: ["no", "yes"] } };
  const labelled = await open([...rowsOf(0, 10), ...rowsOf(1, 10)], { test: rowsOf(-1, 4, "t"), features });
  expect(labelled.notes[0]).toBe(
    "test.csv is not used as test: the labels of all its 4 rows are −1: they are withheld",
  );
  expect(labelled.splits.test).toMatchObject({ count: 4, isSplitOff: true });
});

test("the preview says all of it, shortly", async () => {
  const long = `${"long ".repeat(30)}text`;
  const labelled = await open([{ text: long, label: " it " }, ...rowsOf("it", 9), ...rowsOf("IT", 10, "other")]);
  const description = describeDataset(labelled);
  expect(JSON.parse(JSON.stringify(description))).toEqual(description);
  expect(description).toMatchObject({
    kind: "classify",
    kindWhy: 'column "label": its values are words',
    input: "text",
    columns: [
      { role: "text", column: "text", origin: "guessed", why: "its name says so" },
      { role: "label", column: "label", origin: "guessed", why: "its name says so" },
    ],
    splits: [
      { name: "train", file: "train.csv", format: "csv", rows: 14, skipped: 0, isSplitOff: false },
      { name: "validation", rows: 2, isSplitOff: true },
      { name: "test", rows: 4, isSplitOff: true },
    ],
    classes: [
      { name: "IT", train: 7, validation: 1, test: 2 },
      { name: "it", train: 7, validation: 1, test: 2 },
    ],
  });
  const [first] = description.examples;
  expect(first).toEqual({ place: "train.csv line 2", inputs: [`${long.slice(0, 59)}…`], target: "it" });
  expect(description.notes).toContain('labels "it" and "IT" differ in case only; they are different classes here');
  expect(description.notes).toContain("blanks around 1 label were taken off");
});
