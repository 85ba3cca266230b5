import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, expect, test } from "vitest";
import { drawEmojiFolder } from "../support/emoji.ts";

/** What the documents show a reader to type is what runs here, taken from them word for word. */

const folder = mkdtempSync(join(tmpdir(), "graft-documents-"));
afterAll(() => rmSync(folder, { recursive: true }));

const readme = readFileSync("README.md", "utf8");
const blocks = (language: string) =>
  [...readme.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, "gms"))].map((m) => m[1]!);

test("the README's example trains and exports a model", () => {
  const [example] = blocks("ts");
  symlinkSync(resolve("node_modules"), join(folder, "node_modules"));
  const script = join(folder, "example.mjs");
  writeFileSync(script, example!.replace('"onnx-graft"', JSON.stringify(resolve("dist/node.js"))));
  const printed = execFileSync("node", [script], {
    cwd: folder,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  expect(printed).toMatch(/^accuracy 0\.\d+, \d+ parameters, \d+ bytes\n$/);
}, 180_000);

test("the README's commands train on a folder of pictures and classify one", async () => {
  const commands = blocks("sh")
    .join("")
    .split("\n")
    .filter((line) => line.startsWith("npx graft "));
  expect(commands).toHaveLength(2);
  const category = "Animals & Nature";
  await drawEmojiFolder(join(folder, "photos"), { categories: [category, "Food & Drink"], perCategory: 40 });
  copyFileSync("assets/vit.onnx", join(folder, "vit.onnx"));
  const pictures = join(folder, "photos", "train", category);
  copyFileSync(join(pictures, readdirSync(pictures)[0]!), join(folder, "cat.jpg")); // decoded by content, not by name
  const outputs = commands.map((command) => {
    const args = command.replace(/#.*/, "").trim().split(/\s+/).slice(2);
    return execFileSync("node", [resolve("dist/graft.js"), ...args], {
      cwd: folder,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  });
  expect(outputs[0]).toMatch(/accuracy \d+\.\d % on test/);
  expect(outputs[1]).toMatch(/^cat\.jpg\t\S.* \d+\.\d %\n$/);
}, 180_000);
