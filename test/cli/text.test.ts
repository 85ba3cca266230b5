import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { env, pipeline } from "@huggingface/transformers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { tinyBertFiles, tinyText } from "../support/tiny-text.ts";
import { graft } from "./graft.ts";
import { graftHere } from "./in-process.ts";

let folder: string;
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "graft-text-"));
  for (const [name, content] of Object.entries(tinyBertFiles())) await writeFile(at(name), content);
  const rows = Array.from({ length: 120 }, (_, k) => `${k},"${tinyText(k)}",team ${k % 5}`);
  await writeFile(at("tickets.csv"), `id,body,team\n${rows.join("\n")}\n`);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("one command from a model's folder and a table to a folder that pipeline() loads, with the same predictions", async () => {
  const out = at("out");
  const command = ["train", "--model", folder, "--data", at("tickets.csv"), "--text", "body", "--label", "team"];
  const { code, stdout } = await graft(...command, "--out", out, "--epochs", "6", "--threads", "1", "--json");
  expect(code).toBe(0);
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines.filter(({ type }) => type === "base").map(({ name }) => name)).toEqual([
    "nearest neighbours",
    "linear head",
  ]);
  const result = lines.at(-1);
  expect(result).toMatchObject({ schema: 1, type: "result", metric: "accuracy", out });
  expect(result.testMetrics.map(({ name }: { name: string }) => name)).toEqual([
    "accuracy",
    "macro-F1",
    "MCC",
    "AUROC",
  ]);
  expect(result.validation.value).toBeGreaterThan(0.4); // five subjects

  env.allowRemoteModels = false;
  const classify = await pipeline("text-classification", out);
  const [first] = (await classify(tinyText(3), { top_k: 5 })) as unknown as { label: string; score: number }[];
  expect(first?.label).toBe("team 3");
});

test("what was trained is measured again, and used on new texts", async () => {
  const out = at("out");
  const data = ["--data", at("tickets.csv"), "--text", "body", "--label", "team"];
  const measured = await graftHere("evaluate", "--model", out, ...data, "--json");
  expect(measured.code).toBe(0);
  const result = JSON.parse(await readFile(join(out, "result.json"), "utf8"));
  expect(JSON.parse(measured.stdout).value).toBeCloseTo(result.test.value, 6);

  const predict = async (...more: string[]) => {
    const { code, stdout } = await graftHere("predict", "--model", out, "--threads", "1", ...more, "--json");
    expect(code).toBe(0);
    return JSON.parse(stdout).predictions;
  };
  const typed = await predict("--text", tinyText(3), tinyText(4), "--top", "5");
  env.allowRemoteModels = false;
  const classify = await pipeline("text-classification", out);
  for (const [k, { text, classes }] of typed.entries()) {
    expect(text).toBe(tinyText(3 + k));
    const theirs = (await classify(text, { top_k: 5 })) as unknown as { label: string; score: number }[];
    expect(classes.map(({ label }: { label: string }) => label)).toEqual(theirs.map(({ label }) => label));
    for (const [at, { score }] of theirs.entries()) expect(classes[at].probability).toBeCloseTo(score, 4);
  }
  await writeFile(at("new.csv"), `id,body\n1,"${tinyText(3)}"\n2,"${tinyText(4)}"\n`);
  await writeFile(at("new.txt"), `${tinyText(3)}\n\n${tinyText(4)}\n`);
  expect(await predict("--data", at("new.csv"), "--text", "body", "--top", "5")).toEqual(typed);
  expect(await predict("--data", at("new.txt"), "--top", "5")).toEqual(typed);
});

test.each([
  [["cat.jpg"], "picture cat.jpg: model .* takes texts"],
  [[], "graft predict needs texts, and there are none"],
  [["--data", "tickets.csv", "more"], 'both --data and "more" are given'],
  [["--data", "tickets.csv"], 'which column holds the text.* has "id", "body", "team"'],
  [["--data", "tickets.csv", "--text", "bdy"], 'column "bdy".*did you mean "body"'],
  [["a", "b", "--text-pair", "c"], "--text-pair needs exactly one text"],
])("predict %j: what is wrong is said", async (words, says) => {
  const args = words.map((word) => (word === "tickets.csv" ? at(word) : word));
  const { code, stderr } = await graftHere("predict", "--model", at("out"), ...args);
  expect(code).toBe(2);
  expect(stderr).toMatch(new RegExp(says));
});

/** Cells of a row, and what the answer to a text then is. */
const goals: [kind: string, columns: string, row: (k: number) => string, given: string[], answer: object][] = [
  [
    "multi_label",
    "text,label",
    (k) => `"${tinyText(k)}",${["a|b", "b", "a"][k % 3]}`,
    ["--label-separator", "|"],
    { classes: expect.any(Array) },
  ],
  ["regress", "text,score", (k) => `"${tinyText(k)}",${k % 5}`, [], { numbers: { score: expect.any(Number) } }],
  [
    "tokens",
    "tokens,tags",
    (k) =>
      `${tinyText(k)},${tinyText(k)
        .split(" ")
        .map((word) => (word.length > 3 ? "B-X" : "O"))
        .join(" ")}`,
    ["--tokens", "tokens", "--tags", "tags"],
    {
      words: ["the", "quick", "fox"].map((word) => ({
        word,
        tag: expect.stringMatching(/^(B-X|O)$/),
        probability: expect.any(Number),
      })),
    },
  ],
];

test.each(goals)("%s: train, evaluate and predict go through", async (kind, columns, row, given, answer) => {
  const [data, out] = [at(`${kind}.csv`), at(kind)];
  await writeFile(data, `${columns}\n${Array.from({ length: 60 }, (_, k) => row(k)).join("\n")}\n`);
  const rows = ["--data", data, "--kind", kind, ...given, "--threads", "1"];
  // Not the default seed: `evaluate` has to find the same test rows by itself.
  const place = ["--place", "1-2", "--epochs", "1", "--seed", "3", "--out-dtype", "q8"];
  const trained = await graftHere("train", "--model", folder, ...rows, ...place, "--out", out);
  expect(trained.code).toBe(0);
  const { test: tested, validation, quantized } = JSON.parse(await readFile(join(out, "result.json"), "utf8"));
  const measure = async (...more: string[]) =>
    JSON.parse((await graftHere("evaluate", "--model", out, ...rows, ...more, "--json")).stdout).value;
  expect(await measure()).toBeCloseTo(tested.value, 5);

  expect(trained.stdout).toMatch(/^q8: [\d.]+ MB instead of [\d.]+ MB; on \d+ examples /m);
  expect(quantized).toMatchObject(
    kind === "regress" ? { difference: expect.any(Number) } : { same: expect.any(Number) },
  );
  expect(quantized.same ?? 1).toBeGreaterThan(0.8);
  expect(quantized.difference).toBeGreaterThan(0);
  expect(quantized.difference).toBeLessThan(0.2);
  expect(quantized.float).toBeCloseTo(validation.value, 5);
  expect(await measure("--split", "validation", "--out-dtype", "q8")).toBeCloseTo(quantized.quantized, 5);
  expect((await stat(join(out, "onnx/model_quantized.onnx"))).size).toBe(quantized.bytes.q8);
  const { stdout } = await graftHere("predict", "--model", out, "the quick fox", "--json");
  expect(JSON.parse(stdout).predictions).toEqual([{ text: "the quick fox", ...answer }]);
});

test("pairs: predict refuses single texts; --quiet prints a line; without adapters it is the linear head", async () => {
  const [data, out] = [at("pairs.csv"), at("pairs")];
  const row = (k: number) => `"${tinyText(k)}","${tinyText(k + (k % 2))}",${k % 2 ? "other" : "same"}`;
  await writeFile(data, `premise,hypothesis,label\n${Array.from({ length: 60 }, (_, k) => row(k)).join("\n")}\n`);
  const train = ["train", "--model", folder, "--data", data, "--place", "none", "--epochs", "1", "--out", out];
  expect(await graftHere(...train, "--quiet")).toEqual({
    code: 0,
    stdout: expect.stringMatching(
      /^\S+: accuracy [\d.]+ % on test, [\d.]+ % on validation\n(The base is better: .*\n)?$/,
    ),
    stderr: "",
  });
  expect((await graftHere(...train, "--overwrite")).stdout).toMatch(/^linear head {2}/m);

  const alone = await graftHere("predict", "--model", out, "the fox sleeps");
  expect(alone).toMatchObject({ code: 2, stdout: "" });
  expect(alone.stderr).toMatch(/a text alone: model .* was trained on pairs of texts\. .*--text-pair/);
  await writeFile(at("single.txt"), "the fox sleeps\n");
  expect((await graftHere("predict", "--model", out, "--data", at("single.txt"))).code).toBe(2);
  const both = await graftHere("predict", "--model", out, "--text", "the fox sleeps", "--text-pair", "a dog", "--json");
  expect(JSON.parse(both.stdout).predictions).toMatchObject([{ text: "the fox sleeps", textPair: "a dog" }]);
  const columns = ["--text", "premise", "--text-pair", "hypothesis"];
  expect(
    (await graftHere("predict", "--model", out, "--data", data, ...columns)).stdout.trim().split("\n"),
  ).toHaveLength(60);
});

const embeddings: [kind: string, columns: string, row: (k: number) => string, metric: string][] = [
  [
    "pair_score",
    "sentence1,sentence2,score",
    (k) => `"${tinyText(k)}","${tinyText(2 * k)}",${(k % 5) / 4}`,
    "spearman",
  ],
  [
    "triplet",
    "anchor,positive,negative",
    (k) => `"${tinyText(k)}","${tinyText(k + 25)}","${tinyText(k + 1)}"`,
    "mrr@10",
  ],
];

test.each(embeddings)(
  "%s: train and evaluate go through, and predict says what to do",
  async (kind, columns, row, metric) => {
    const [data, out] = [at(`${kind}.csv`), at(kind)];
    await writeFile(data, `${columns}\n${Array.from({ length: 60 }, (_, k) => row(k)).join("\n")}\n`);
    const rows = ["--data", data, "--threads", "1"];
    const place = ["--place", "1-2", "--epochs", "1", "--seed", "3", "--out-dtype", "q8"];
    expect(await graftHere("train", "--model", folder, ...rows, ...place, "--out", out)).toMatchObject({ code: 0 });
    const { test: tested, quantized } = JSON.parse(await readFile(join(out, "result.json"), "utf8"));
    const measured = await graftHere("evaluate", "--model", out, ...rows, "--json");
    expect(JSON.parse(measured.stdout)).toMatchObject({ metric, split: "test", examples: 12 });
    expect(JSON.parse(measured.stdout).value).toBeCloseTo(tested.value, 5);
    expect(quantized.difference).toBeGreaterThan(0);
    expect(quantized.difference).toBeLessThan(0.2);
    const other = await graftHere("evaluate", "--model", out, "--data", at("tickets.csv"));
    expect(other.code).toBe(2);
    expect(other.stderr).toContain("the model was trained for");
    expect((await graftHere("predict", "--model", out, "the fox")).stderr).toMatch(
      /answers with vectors\. Use it as its README/,
    );
  },
);
