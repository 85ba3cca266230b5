import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import { graftHere } from "../cli/in-process.ts";
import { drawEmojiFolder } from "../support/emoji.ts";
import { startHub } from "../support/hub-server.ts";
import { tinyBertFiles, tinyText } from "../support/tiny-text.ts";

/** What the documents show a reader to type is what runs here, taken from them word for word. */

const folder = mkdtempSync(join(tmpdir(), "graft-documents-"));
afterAll(() => rmSync(folder, { recursive: true }));

const readme = readFileSync("README.md", "utf8");
const blocks = (language: string, text = readme) =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, "gms"))].map((m) => m[1]!);

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

test("the README's commands fetch models, train on a table and on pictures, and leave folders for pipeline()", async () => {
  const commands = blocks("sh")
    .join("")
    .split("\n")
    .filter((line) => line.startsWith("npx graft "));
  expect(commands).toHaveLength(2);
  await drawEmojiFolder(join(folder, "photos"), { categories: ["Animals & Nature", "Food & Drink"], perCategory: 20 });
  const rows = Array.from({ length: 100 }, (_, k) => `"${tinyText(k)}",team ${k % 5}`);
  writeFileSync(join(folder, "tickets.csv"), `body,team\n${rows.join("\n")}\n`);
  // Small models under the names of the real ones, from a server that speaks the hub's API.
  const hub = await startHub({
    "Xenova/all-MiniLM-L6-v2": { commit: "a".repeat(40), files: tinyBertFiles() },
    "Xenova/vit-base-patch16-224": {
      commit: "b".repeat(40),
      files: { "onnx/model.onnx": readFileSync("assets/vit.onnx"), "config.json": '{"model_type": "vit"}' },
    },
  });
  try {
    for (const command of commands) {
      const args = command.replace(/#.*/, "").trim().split(/\s+/).slice(2);
      const env = { ...process.env, HF_ENDPOINT: hub.url, HF_HOME: join(folder, "hf") };
      const { stdout } = await promisify(execFile)("node", [resolve("dist/graft.js"), ...args], { cwd: folder, env });
      expect(stdout).toMatch(/On test, with 95 % intervals: accuracy \d+\.\d %/);
      expect(stdout).toContain('import { pipeline } from "@huggingface/transformers";');
      const out = args[args.indexOf("--out") + 1]!;
      expect(readdirSync(join(folder, out))).toEqual(expect.arrayContaining(["README.md", "config.json", "onnx"]));
    }
  } finally {
    await hub.close();
  }
}, 180_000);

test("docs/compare.md's example compares two methods and the reference", () => {
  const [example] = blocks("ts", readFileSync("docs/compare.md", "utf8"));
  const script = join(folder, "compare.mjs");
  writeFileSync(script, example!.replace('"onnx-graft"', JSON.stringify(resolve("dist/node.js"))));
  const printed = execFileSync("node", [script], { cwd: folder, encoding: "utf8" });
  expect(printed.split("\n").map((line) => line.split(" ")[0])).toEqual(["linear", "knn", "first:3@r16", ""]);
}, 180_000);

test("docs/compare.md's command writes its page", async () => {
  const [command] = blocks("sh", readFileSync("docs/compare.md", "utf8"));
  const [program, ...typed] = [...command!.trim().matchAll(/"([^"]*)"|(\S+)/g)].slice(1).map((m) => m[1] ?? m[2]!);
  expect(program).toBe("graft");
  const rows = Array.from({ length: 60 }, (_, k) => `"${tinyText(k)}",team ${k % 3}`);
  writeFileSync(join(folder, "tickets.csv"), `body,team\n${rows.join("\n")}\n`);
  const hub = await startHub({
    "Xenova/all-MiniLM-L6-v2": { commit: "a".repeat(40), files: tinyBertFiles() },
  });
  try {
    const env = { ...process.env, HF_ENDPOINT: hub.url, HF_HOME: join(folder, "hf-compare") };
    const fewer = ["--seeds", "0", "--lr-trials", "1", "--epochs", "1"];
    const { stdout } = await promisify(execFile)("node", [resolve("dist/graft.js"), ...typed, ...fewer], {
      cwd: folder,
      env,
    });
    expect(stdout).toMatch(/^lora:q,v@r8 /m);
    expect(readFileSync(join(folder, typed[typed.indexOf("--html") + 1]!), "utf8")).toMatch(/^<!doctype html>/);
  } finally {
    await hub.close();
  }
}, 180_000);

test("docs/studies.md's commands make, run, show, export and picture its study", async () => {
  const text = readFileSync("docs/studies.md", "utf8");
  const [yaml] = blocks("yaml", text);
  // Less of everything, the same keys.
  const small = yaml!
    .replace("[count, texture]", "[texture]")
    .replace(/trainSize: \d+/, "trainSize: 32")
    .replace(/trials: \d+/, "trials: 1")
    .replace(/seeds: \d+/, "seeds: 1");
  const at = join(folder, "study");
  mkdirSync(at);
  writeFileSync(join(at, "study.yaml"), `${small}training: { epochs: 1 }\n`);
  const commands = blocks("sh", text)[0]!.trim().split("\n");
  expect(commands.map((line) => line.split(" ")[3])).toEqual(["create", "run", "status", "export", "report"]);
  const printed = [];
  for (const command of commands) {
    const args = command.split(" ").slice(2);
    // What makes and runs the study is typed where it lies; what only looks at it runs here.
    const looks = ["status", "export", "report"].includes(args[1]!);
    const inPlace = args.map((word) => (word.includes(".") ? join(at, word) : word));
    const { stdout } = await (looks
      ? graftHere(...inPlace)
      : promisify(execFile)("node", [resolve("dist/graft.js"), ...args], { cwd: at }));
    printed.push(stdout);
  }
  expect(printed[0]).toMatch(/4 trainings, some [\d.]+ s each/);
  expect(printed[1]).toMatch(/the study is complete: 4 of 4 trials complete/);
  expect(printed[2]).toMatch(/texture +4/);
  expect(readFileSync(join(at, "runs.csv"), "utf8").trim().split("\n")).toHaveLength(1 + 4);
  expect(readFileSync(join(at, "report.html"), "utf8")).toMatch(/^<!doctype html>/);
}, 180_000);

/** The commands of the block of a document in which some word stands. */
const commandsOf = (document: string, word: string): string[] =>
  blocks("sh", readFileSync(document, "utf8"))
    .find((block) => block.includes(word))!
    .trim()
    .split("\n");

test("docs/method.md's commands tell how sure a ranking is, score behind another head, and LoRA's sites", async () => {
  // Fewer pictures and edges.
  const fewer = ["--train-size", "128", "--threads", "1"];
  const fewerOf = (words: readonly string[]) => {
    if (words.includes("--list")) return [];
    return words.includes("--sites") ? fewer : [...fewer, "--stride", "12"];
  };
  const printed = [];
  for (const command of commandsOf("docs/method.md", "--confidence")) {
    const words = command.split(" ").slice(1);
    const { code, stdout, stderr } = await graftHere(...words, ...fewerOf(words));
    expect(code, stderr).toBe(0);
    printed.push(stdout);
  }
  expect(printed[0]).toMatch(/reliability .* \(expected correlation with the ranking of another such probe; 6 halves/);
  expect(printed[1]).toContain("from 96 probe examples behind a zero head");
  expect(printed[2]).toMatch(/^srank /m);
  expect(printed[3]).toMatch(/^--method lora:\d+\.\w+,\d+\.\w+$/m);
}, 60_000);

test("docs/method.md's commands draw and compare scores", async () => {
  const commands = commandsOf("docs/method.md", "--picture");
  const at = join(folder, "pictures");
  mkdirSync(at);
  const isFile = (word: string) => /\.(json|html|svg|png)$/.test(word);
  const run = (line: string) =>
    graftHere(
      ...line
        .split(" ")
        .slice(1)
        .map((word) => (isFile(word) ? join(at, word) : word)),
    );
  const printed = [];
  for (const [k, command] of commands.entries()) {
    const scored = /^graft score --task (\w+) --json > (\w+\.json)$/.exec(command);
    // Scoring itself is tested elsewhere and takes long; what is drawn is made up.
    if (scored) {
      const matrix = Array.from({ length: 25 }, (_, i) =>
        Array.from({ length: 25 }, (_, j) => (i * 7 + j * (k + 3)) % 97),
      );
      writeFileSync(join(at, scored[2]!), JSON.stringify({ schema: 1, scoreName: "srank", task: scored[1], matrix }));
    } else printed.push((await run(command)).stdout);
  }
  expect(readdirSync(at).sort()).toEqual([
    ...["count.html", "count.json", "difference.png", "placement.svg", "texture.json"],
  ]);
  expect(printed.at(-1)).toMatch(/srank on texture against srank on count: Spearman's ρ .* \(95 %: /);
}, 60_000);
