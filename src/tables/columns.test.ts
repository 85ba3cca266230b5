import { describe, expect, test } from "vitest";
import { type ColumnNames, columnsFrom } from "./columns.ts";
import type { Cell, Feature, Row, Table } from "./table.ts";

/** A table of these rows; all have the columns of the first. */
function tableOf(rows: readonly Record<string, Cell>[], features?: Record<string, Feature>, format = "jsonl"): Table {
  return { name: "x.jsonl", format, columns: Object.keys(rows[0]!), features, async *rows() {} };
}

const asRows = (cells: readonly Record<string, Cell>[]): Row[] =>
  cells.map((each, k) => ({ place: `x.jsonl line ${k + 1}`, cells: each }));

function columnsOf(rows: readonly Record<string, Cell>[], names: ColumnNames = {}, features?: Record<string, Feature>) {
  return columnsFrom(tableOf(rows, features), asRows(rows), names);
}

const t = "some words";
const u = "other words";
const jpg = { bytes: Uint8Array.of(255, 216), path: "a.jpg" };

describe("guessed", () => {
  test("whole numbers from 1 are classes, with a hint that they may be ratings", () => {
    const rated = (stars: number[]) => columnsOf(stars.map((each) => ({ review: t, stars: each }))).kindWhy;
    expect(rated([5, 3, 1])).toBe(
      'column "stars": its values are whole numbers; if they are ratings, --kind regress learns them as numbers',
    );
    for (const values of [
      [0, 1, 2],
      [1, 2],
      [1, 2, 300],
    ])
      expect(rated(values)).toMatch(/whole numbers$/);
  });

  test.each<[string, Record<string, Cell>[], string, Record<string, string>, unknown[]]>([
    ["text and label", [{ id: 1, text: t, label: "a" }], "classify", { text: "text", label: "label" }, [t, "a"]],
    ["body and team", [{ team: "it", body: t }], "classify", { text: "body", label: "team" }, [t, "it"]],
    ["names nobody knows", [{ foo: t, bar: "a" }], "classify", { text: "foo", label: "bar" }, [t, "a"]],
    ["whole numbers", [{ text: t, label: 3 }], "classify", { text: "text", label: "label" }, [t, "3"]],
    ["big integers", [{ text: t, label: 3n }], "classify", { text: "text", label: "label" }, [t, "3"]],
    ["truth values", [{ text: t, target: true }], "classify", { text: "text", label: "target" }, [t, "true"]],
    [
      "decimals",
      [
        { text: t, label: "0.5" },
        { text: t, label: "1" },
      ],
      "regress",
      { text: "text", label: "label" },
      [t, 0.5],
    ],
    ["a score of whole numbers", [{ review: t, score: "4" }], "regress", { text: "review", score: "score" }, [t, 4]],
    [
      "lists of labels",
      [{ text: t, labels: ["a", "b"] }],
      "multi_label",
      { text: "text", label: "labels" },
      [t, ["a", "b"]],
    ],
    [
      "bars between labels",
      [{ text: t, label: "a|b " }],
      "multi_label",
      { text: "text", label: "label" },
      [t, ["a", "b"]],
    ],
    [
      "commas between labels that recur",
      [
        { text: t, label: "a,b" },
        { text: t, label: "a" },
        { text: t, label: "b" },
      ],
      "multi_label",
      { text: "text", label: "label" },
      [t, ["a", "b"]],
    ],
    [
      "commas that belong to names",
      [
        { text: t, label: "Food, drink" },
        { text: t, label: "Home, garden" },
      ],
      "classify",
      { text: "text", label: "label" },
      [t, "Food, drink"],
    ],
    [
      "premise and hypothesis",
      [{ premise: t, hypothesis: u, label: 0 }],
      "pair",
      { text: "premise", textPair: "hypothesis", label: "label" },
      [t, u, "0"],
    ],
    [
      "scored pairs",
      [{ sentence1: t, sentence2: u, score: 2.5 }],
      "pair_score",
      { text: "sentence1", textPair: "sentence2", score: "score" },
      [t, u, 2.5],
    ],
    [
      "triplets",
      [{ query: t, positive: u, negative: "no" }],
      "triplet",
      { anchor: "query", positive: "positive", negative: "negative" },
      [t, u, "no", null],
    ],
    [
      "two negatives",
      [{ anchor: t, pos: u, neg: ["n", "m"] }],
      "triplet",
      { anchor: "anchor", positive: "pos", negative: "neg" },
      [t, u, "n", "m", null],
    ],
    ["no negatives", [{ anchor: t, positive: u }], "triplet", { anchor: "anchor", positive: "positive" }, [t, u, null]],
    [
      "tokens and tags",
      [{ tokens: ["a", "b"], ner_tags: ["O", "X"] }],
      "tokens",
      { tokens: "tokens", tags: "ner_tags" },
      ["a", "b", ["O", "X"]],
    ],
    [
      "tokens and labels",
      [{ tokens: ["a"], labels: [7] }],
      "tokens",
      { tokens: "tokens", tags: "labels" },
      ["a", ["7"]],
    ],
    [
      "lists written as JSON",
      [{ tokens: '["a", "b"]', tags: '["O", "X"]' }],
      "tokens",
      { tokens: "tokens", tags: "tags" },
      ["a", "b", ["O", "X"]],
    ],
    ["pictures", [{ image: jpg, label: 1 }], "classify", { image: "image", label: "label" }, [jpg.bytes, "1"]],
    [
      "picture paths",
      [{ file_name: "a.jpg", label: "x" }],
      "classify",
      { image: "file_name", label: "label" },
      ["a.jpg", "x"],
    ],
  ])("%s", (_, rows, kind, roles, example) => {
    const columns = columnsOf(rows);
    expect(columns.kind).toBe(kind);
    expect(Object.fromEntries(columns.roles.map(({ role, column }) => [role, column]))).toEqual(roles);
    expect(columns.roles.every(({ origin, why }) => origin === "guessed" && why !== "given")).toBe(true);
    const { texts = [], words = [], image, target } = columns.readExample(asRows(rows)[0]!);
    expect([...texts, ...words, ...(image === undefined ? [] : [image]), target]).toEqual(example);
  });

  test("columns without a role are named", () => {
    expect(columnsOf([{ id: 1, text: t, label: "a", date: "x" }]).unused).toEqual(["id", "date"]);
  });

  test("class names replace integers; inside lists too", () => {
    const features = { label: { classNames: ["neg", "pos"] }, ner_tags: { classNames: ["O", "B"] } };
    const rows = [{ text: t, label: 1n }];
    expect(columnsOf(rows, {}, features).readExample(asRows(rows)[0]!).target).toBe("pos");
    const words = [{ tokens: ["a", "b"], ner_tags: [0n, 1n] }];
    expect(columnsOf(words, {}, features).readExample(asRows(words)[0]!).target).toEqual(["O", "B"]);
  });
});

describe("given", () => {
  const row = { title: t, body: u, team: "it", stars: 4, sentence1: "p", sentence2: "q" };
  test.each<[string, ColumnNames, string, unknown[]]>([
    ["text and label", { text: "title", label: "team" }, "classify", [t, "it"]],
    ["a score", { text: "title", score: "stars" }, "regress", [t, 4]],
    ["a kind", { text: "title", label: "stars", kind: "regress" }, "regress", [t, 4]],
    ["two texts", { text: "title", textPair: "body", label: "team" }, "pair", [t, u, "it"]],
    ["two texts and a score", { text: "title", textPair: "body", score: "stars" }, "pair_score", [t, u, 4]],
    ["the kind pair: texts by name", { kind: "pair", label: "team" }, "pair", ["p", "q", "it"]],
    ["anchor and positive", { anchor: "title", positive: "body" }, "triplet", [t, u, null]],
    ["text alone", { text: "body" }, "classify", [u, "it"]],
    ["label alone", { label: "team" }, "pair", ["p", "q", "it"]],
    [
      "a separator",
      { text: "body", label: "team", kind: "multi_label", labelSeparator: "t" },
      "multi_label",
      [u, ["i"]],
    ],
  ])("%s", (_, names, kind, example) => {
    const columns = columnsOf([row], names);
    expect(columns.kind).toBe(kind);
    const { texts = [], target } = columns.readExample(asRows([row])[0]!);
    expect([...texts, target]).toEqual(example);
  });

  test.each<[ColumnNames, RegExp]>([
    [{ text: "bodi" }, /column "bodi": x\.jsonl has no such column\. did you mean "body"\? It has "title", "body"/],
    [{ text: "body", label: "body" }, /column "body": it is named both as text and as label/],
    [{ label: "team", score: "stars" }, /a task has one target/],
    [{ image: "title", tokens: "body" }, /"title" \(image\), "body" \(tokens\): they belong to different kinds/],
    [{ kind: "regres" as "regress" }, /kind "regres": there is no such kind of task\. did you mean "regress"\?/],
    [{ kind: "classify", text: "title", textPair: "body", label: "team" }, /kind "classify": it does not go with/],
    [{ kind: "tokens" }, /x\.jsonl: none of its columns looks like the tokens\. Name it; there are "title"/],
  ])("%j is refused", (names, message) => {
    expect(() => columnsOf([row], names)).toThrow(message);
  });

  test("no label in sight", () => {
    expect(() => columnsOf([{ text: t, a: "1", b: "2" }])).toThrow(/none of its columns looks like the label/);
  });
});
