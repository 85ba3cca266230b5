import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { env, pipeline } from "@huggingface/transformers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { tinyBertFiles, tinyText } from "../support/tiny-text.ts";
import { graft } from "./graft.ts";

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
  const measured = await graft("evaluate", "--model", out, ...data, "--json");
  expect(measured.code).toBe(0);
  const result = JSON.parse(await readFile(join(out, "result.json"), "utf8"));
  expect(JSON.parse(measured.stdout).value).toBeCloseTo(result.test.value, 6);
});
