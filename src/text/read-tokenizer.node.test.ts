import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readTokenizer } from "./index.node.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "graft-tokenizer-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const failure = () => readTokenizer(folder).catch((error: unknown) => error);

test("the files of a folder make a tokenizer; without its configuration it still splits", async () => {
  const fixture = new URL("../../test/fixtures/tokenizers/electra-cased.json", import.meta.url);
  const { tokenizer, config } = JSON.parse(await readFile(fixture, "utf8"));
  await writeFile(join(folder, "tokenizer.json"), JSON.stringify(tokenizer));
  expect(await readTokenizer(folder)).toMatchObject({ maxLength: 180, paddingSide: "right", padId: 0 });
  await writeFile(join(folder, "tokenizer_config.json"), JSON.stringify(config));
  expect(await readTokenizer(folder, { maxLength: 50 })).toMatchObject({ maxLength: 50, paddingSide: "left" });
});

test("a folder without tokenizer.json says how to get one", async () => {
  expect(await failure()).toMatchObject({
    code: "TOKENIZER_MISSING",
    remedy: expect.stringContaining("save_pretrained"),
  });
});

test("files that broke off and a folder's name are named", async () => {
  await writeFile(join(folder, "tokenizer.json"), '{"model": {"vo');
  expect(await failure()).toMatchObject({ code: "TOKENIZER", thing: `"${join(folder, "tokenizer.json")}"` });
  await writeFile(join(folder, "tokenizer.json"), Uint8Array.of(0xff, 0xfe, 0x7b));
  expect(await failure()).toMatchObject({ code: "TOKENIZER" });
  await writeFile(join(folder, "tokenizer.json"), "null");
  expect(await failure()).toMatchObject({ code: "TOKENIZER", message: expect.stringContaining(folder) });
});
