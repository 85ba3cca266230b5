import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { type ColumnSource, parquetWriteBuffer } from "hyparquet-writer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type DatasetOptions, holdsTables, openDataset } from "./index.node.ts";
import { type ByteSource, blobSource, openTable, type Table } from "./index.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "graft-tables-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function put(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  return path;
}

async function read(table: Table) {
  const rows = [];
  for await (const row of table.rows()) rows.push(row.fault?.message ?? row.cells);
  return rows;
}

const bytes = (text: string) => new TextEncoder().encode(text);

/** A file that comes 17 bytes at a time. */
const inPieces = (content: Uint8Array<ArrayBuffer>, name: string): ByteSource => ({
  ...blobSource(new Blob([content]), name),
  async *chunks() {
    for (let at = 0; at < content.length; at += 17) yield content.subarray(at, at + 17);
  },
});

const parquet = (columnData: ColumnSource[], options = {}) =>
  new Uint8Array(parquetWriteBuffer({ columnData, ...options }));

const rows = [
  { text: "printer, on fire", label: "it" },
  { text: 'say "hi"\nagain', label: "hr" },
];

describe("one file", () => {
  test.each<[string, string | Uint8Array, DatasetOptions?]>([
    ["a.csv", 'text,label\n"printer, on fire",it\n"say ""hi""\nagain",hr\n'],
    ["b.csv", 'text;label\r\nprinter, on fire;it\r\n\r\n"say ""hi""\nagain";hr'],
    ["c.tsv", 'text\tlabel\nprinter, on fire\tit\n"say ""hi""\nagain"\thr\n'],
    ["d.jsonl", rows.map((row) => JSON.stringify(row)).join("\r\n")],
    ["e.json", JSON.stringify(rows, undefined, 2)],
    ["f.json", `${rows.map((row) => JSON.stringify(row)).join("\n")}\n`],
    ["g.ndjson.gz", gzipSync(rows.map((row) => JSON.stringify(row)).join("\n"))],
    ["h.csv", `\uFEFFtext,label\n"printer, on fire",it\n"say ""hi""\nagain",hr\n`],
    ["i.csv", Buffer.from(`\uFEFFtext,label\n"printer, on fire",it\n"say ""hi""\nagain",hr\n`, "utf16le")],
    [
      "k.parquet",
      parquet([
        { name: "text", data: rows.map(({ text }) => text) },
        { name: "label", data: rows.map(({ label }) => label) },
      ]),
    ],
    ["l.CSV", 'text,label\n"printer, on fire",it\n"say ""hi""\nagain",hr\n'],
  ])("%s", async (name, content, options = {}) => {
    const { splits } = await openDataset(await put(name, content), options);
    expect(splits.train.columns).toEqual(["text", "label"]);
    expect(await read(splits.train)).toEqual(rows);
    expect(await read(splits.train)).toEqual(rows); // again from the start
    expect([splits.validation, splits.test]).toEqual([undefined, undefined]);
  });

  test("rows say where they stand", async () => {
    const places = async (name: string, content: string) => {
      const found = [];
      for await (const row of (await openDataset(await put(name, content))).splits.train.rows()) found.push(row.place);
      return found;
    };
    expect(await places("p.csv", 'a\n"x\ny"\nz\n')).toEqual(["p.csv line 2", "p.csv line 4"]);
    expect(await places("p.jsonl", '{"a":1}\n\n{"a":2}')).toEqual(["p.jsonl line 1", "p.jsonl line 3"]);
    expect(await places("p.json", '[\n{"a":1}, {"a":[2]}\n]')).toEqual([
      "p.json item 1 (line 2)",
      "p.json item 2 (line 2)",
    ]);
    expect(await places("p.conll", "a X\nb X\n\nc X\n")).toEqual(["p.conll line 1", "p.conll line 4"]);
  });

  test("TSV whose quotes enclose nothing is read as it stands, and says so", async () => {
    const { splits, notes } = await openDataset(await put("q.tsv", 'text\tlabel\n"Stop, he said\t1\nno" way\t0\n'));
    expect(await read(splits.train)).toEqual([
      { text: '"Stop, he said', label: "1" },
      { text: 'no" way', label: "0" },
    ]);
    expect(notes).toEqual(["q.tsv: quotes are read as characters, as line 2 has some that enclose no field"]);
  });

  test("Parquet: bytes stay bytes, structs, lists, dates and missing values; row groups in turn", async () => {
    const raw = [0, 1, 2].map((k) => Uint8Array.of(0xff, 0xd8, k));
    const info = {
      info: { features: { image: { _type: "Image" }, label: { _type: "ClassLabel", names: ["no", "yes"] } } },
    };
    const content = parquet(
      [
        { name: "raw", data: raw, type: "BYTE_ARRAY" },
        { name: "label", data: [0n, 1n, 1n], type: "INT64" },
        { name: "when", data: [0, 1, 2].map((k) => new Date(k * 1000)), type: "TIMESTAMP" },
        { name: "score", data: [0.5, null, 2], type: "DOUBLE", nullable: true },
      ],
      { rowGroupSize: 2, kvMetadata: [{ key: "huggingface", value: JSON.stringify(info) }], codec: "SNAPPY" },
    );
    const table = (await openDataset(await put("r.parquet", content))).splits.train;
    expect(await read(table)).toEqual([
      { raw: raw[0], label: 0n, when: "1970-01-01T00:00:00.000Z", score: 0.5 },
      { raw: raw[1], label: 1n, when: "1970-01-01T00:00:01.000Z", score: null },
      { raw: raw[2], label: 1n, when: "1970-01-01T00:00:02.000Z", score: 2 },
    ]);
    expect(table.features).toEqual({ image: { image: true }, label: { classNames: ["no", "yes"] } });
  });

  test("Parquet: pictures with their paths and lists, as datasets writes them", async () => {
    const optional = { repetition_type: "OPTIONAL" } as const;
    const text = { ...optional, type: "BYTE_ARRAY", converted_type: "UTF8" } as const;
    const pictures = [
      { bytes: Uint8Array.of(1, 200), path: "a.jpg" },
      { bytes: Uint8Array.of(2, 255), path: null },
    ];
    const data: ColumnSource[] = [
      { name: "image", data: pictures },
      { name: "tags", data: [["a", "b"], ["c"]] },
    ];
    const schema = [
      { name: "root", num_children: 2 },
      { name: "image", num_children: 2, ...optional },
      { name: "bytes", type: "BYTE_ARRAY", ...optional },
      { name: "path", ...text },
      { name: "tags", converted_type: "LIST", num_children: 1, ...optional },
      { name: "list", num_children: 1, repetition_type: "REPEATED" },
      { name: "element", ...text },
    ] as const;
    const table = (await openDataset(await put("w.parquet", parquet(data, { schema })))).splits.train;
    expect(await read(table)).toEqual([
      { image: pictures[0], tags: ["a", "b"] },
      { image: pictures[1], tags: ["c"] },
    ]);
  });

  test("CoNLL: blanks or tabs, columns between, documents and comments left out", async () => {
    const blanks = "-DOCSTART- -X- O O\n\nEU NNP I-NP B-ORG\nrejects VBZ I-VP O\n\n\n# NN I-NP O\n";
    const table = (await openDataset(await put("s.txt", blanks))).splits.train;
    expect(table.columns).toEqual(["tokens", "column2", "column3", "tags"]);
    expect(await read(table)).toEqual([
      { tokens: ["EU", "rejects"], column2: ["NNP", "VBZ"], column3: ["I-NP", "I-VP"], tags: ["B-ORG", "O"] },
      { tokens: ["#"], column2: ["NN"], column3: ["I-NP"], tags: ["O"] },
    ]);
    const tabs = (await openDataset(await put("s.conll", "# id 7\nNew York\tB-LOC\r\nis\tO\r\n"))).splits.train;
    expect(await read(tabs)).toEqual([{ tokens: ["New York", "is"], tags: ["B-LOC", "O"] }]);
  });

  test("JSON lines come back whatever is in them", async () => {
    const anyRows = fc.array(fc.record({ text: fc.string({ unit: "binary" }), tags: fc.array(fc.string()) }), {
      minLength: 1,
    });
    const roundTrip = fc.asyncProperty(anyRows, async (list) => {
      const lines = bytes(list.map((row) => JSON.stringify(row)).join("\n"));
      expect(await read(await openTable(inPieces(lines, "x.jsonl")))).toEqual(JSON.parse(JSON.stringify(list)));
      const array = bytes(JSON.stringify(list));
      expect(await read(await openTable(inPieces(array, "x.json")))).toEqual(JSON.parse(JSON.stringify(list)));
    });
    await fc.assert(roundTrip, { seed: 3, numRuns: 40 });
  });

  test("characters cut by the end of a piece of the file survive", async () => {
    const text = "é🙂漢".repeat(60_000); // 540,000 bytes: pieces of 2^18 bytes cut characters
    const { splits } = await openDataset(await put("t.csv", `text\n${text}\n`));
    expect(await read(splits.train)).toEqual([{ text }]);
  });

  test("a line of 10 MB is read", async () => {
    const text = "x".repeat(10_000_000);
    const { splits } = await openDataset(await put("u.jsonl", `{"text":"${text}"}\n{"text":"y"}\n`));
    const found = (await read(splits.train)) as { text: string }[];
    expect(found.map((row) => row.text.length)).toEqual([10_000_000, 1]);
  });

  test("an abort ends reading", async () => {
    const { splits } = await openDataset(await put("v.csv", `a\n${`${"x".repeat(999)}\n`.repeat(600)}`));
    const stop = new AbortController();
    const readOn = async () => {
      for await (const row of splits.train.rows(stop.signal))
        if (row.place.endsWith(" 2")) stop.abort(new Error("enough"));
    };
    await expect(readOn()).rejects.toThrow("enough");
  });
});

describe("folders", () => {
  const csv = (...labels: string[]) => `text,label\n${labels.map((label) => `about ${label},${label}\n`).join("")}`;
  const labelsOf = async (table: Table | undefined) =>
    table && (await read(table)).map((row) => (row as { label: string }).label);
  const open = async (name: string, files: Record<string, string | Uint8Array>, options = {}) => {
    for (const [file, content] of Object.entries(files)) await put(`${name}/${file}`, content);
    const { splits, notes } = await openDataset(join(folder, name), options);
    const found = [await labelsOf(splits.train), await labelsOf(splits.validation), await labelsOf(splits.test)];
    return { found, notes, splits };
  };

  test.each([
    ["f1", { "train.csv": csv("a"), "validation.csv": csv("b"), "test.csv": csv("c") }],
    ["f2", { "my-train-file.csv": csv("a"), "dev.csv": csv("b"), "eval.csv": csv("c") }],
    ["f3", { "training/x.csv": csv("a"), "val/x.csv": csv("b"), "test/x.csv": csv("c") }],
    [
      "f4",
      {
        "data/train-00000-of-00001.csv": csv("a"),
        "data/validation.csv.gz": gzipSync(csv("b")),
        "data/test-0.csv": csv("c"),
      },
    ],
  ])("splits by name: %s", async (name, files) => {
    expect(await open(name, files)).toMatchObject({ found: [["a"], ["b"], ["c"]], notes: [] });
  });

  test("shards follow one another; a folder without split names is all training; others are left out and named", async () => {
    const shards = { "data/train-00001-of-00002.csv": csv("b"), "data/train-00000-of-00002.csv": csv("a") };
    expect((await open("g1", shards)).found).toEqual([["a", "b"], undefined, undefined]);
    expect((await open("g2", { "x.csv": csv("a"), "latest.csv": csv("b") })).found[0]).toEqual(["b", "a"]); // latest.csv is no test file
    const { notes } = await open("g3", { "train.csv": csv("a"), "extra.csv": csv("b") });
    expect((await open("g4", { "en/train.csv": csv("a"), "de/train.csv": csv("b") })).notes).toEqual([
      "training files come from 2 folders: de, en",
    ]);
    expect(notes).toEqual(["extra.csv is not read: neither its name nor its folder's names a split"]);
  });

  const readme = `---
configs:
- config_name: small
  data_files:
  - split: train
    path: part/tr*.jsonl
  - split: test
    path: ["part/te-{0,1}.jsonl"]
- config_name: other
  data_files: other/**
dataset_info:
- config_name: small
  features:
  - name: text
    dtype: string
  - name: label
    dtype:
      class_label:
        names:
          '0': neg
          '1': pos
  - name: ner_tags
    sequence:
      class_label: { names: { '0': O, '1': B-X } }
  - name: pos_tags
    list:
      class_label: { names: { '0': NOUN } }
  - name: picture
    dtype: image
---
# Words
`;
  const json = (label: number) => `{"text":"t","label":${label}}\n`;

  test("a README's configurations and features", async () => {
    const files = {
      "README.md": readme,
      "part/tr1.jsonl": json(0),
      "part/te-1.jsonl": json(1),
      "other/deep/x.jsonl": json(5),
    };
    const { found, splits } = await open("h1", files, { config: "small" });
    expect(found).toEqual([[0], undefined, [1]]);
    expect(splits.train.features).toEqual({
      text: {},
      label: { classNames: ["neg", "pos"] },
      ner_tags: { classNames: ["O", "B-X"] },
      pos_tags: { classNames: ["NOUN"] },
      picture: { image: true },
    });
    expect((await open("h1", {}, { config: "other" })).found[0]).toEqual([5]);
    await expect(openDataset(join(folder, "h1"))).rejects.toThrow(/lists 2 configurations\. Choose one: small, other/);
    await expect(openDataset(join(folder, "h1"), { config: "smal" })).rejects.toThrow(/did you mean "small"/);
  });

  test("a README that cannot be read is named, not passed over", async () => {
    const { notes } = await open("h2", { "README.md": "---\na: [b\n---\n", "train.jsonl": json(0) });
    expect(notes).toEqual([expect.stringMatching(/^README\.md: the YAML at its head is not read \(.*line/)]);
  });

  test("a file chosen in a page", async () => {
    const table = await openTable(blobSource(new Blob([gzipSync(csv("a"))]), "x.csv.gz"));
    expect(await labelsOf(table)).toEqual(["a"]);
  });

  test("dataset_infos.json names classes too", async () => {
    const infos = { plain: { features: { label: { num_classes: 2, names: ["x", "y"], _type: "ClassLabel" } } } };
    const { splits } = await open("i1", { "dataset_infos.json": JSON.stringify(infos), "train.jsonl": json(0) });
    expect(splits.train.features).toEqual({ label: { classNames: ["x", "y"] } });
  });

  test("tables and pictures are told apart", async () => {
    await put("pictures/train/cat/1.png", "");
    expect(await holdsTables(join(folder, "pictures"))).toBe(false);
    expect(await holdsTables(join(folder, "f1"))).toBe(true);
  });

  test("a training file beside a test file says that the folder is there to give", async () => {
    const { notes } = await openDataset(join(folder, "f1", "train.csv"));
    expect(notes).toEqual(["test.csv, validation.csv beside it is not read; give the folder to use it"]);
    const given = await openDataset(join(folder, "f1", "train.csv"), { test: join(folder, "f1", "test.csv") });
    expect(await labelsOf(given.splits.test)).toEqual(["c"]);
    expect(given.notes).toEqual([]);
  });
});
