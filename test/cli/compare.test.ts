import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { tinyBertFiles, tinyText } from "../support/tiny-text.ts";
import { graft, startGraft } from "./graft.ts";
import { graftHere } from "./in-process.ts";

let folder: string;
const at = (name: string) => join(folder, name);
let common: readonly string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "graft-compare-"));
  for (const [name, content] of Object.entries(tinyBertFiles())) await writeFile(at(name), content);
  const rows = Array.from({ length: 60 }, (_, k) => `"${tinyText(k)}",team ${k % 5}`);
  await writeFile(at("tickets.csv"), `body,team\n${rows.join("\n")}\n`);
  const data = ["--data", at("tickets.csv"), "--text", "body", "--label", "team"];
  common = ["compare", "--model", folder, ...data, "--epochs", "1", "--threads", "1"];
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const lastLine = (stdout: string) => JSON.parse(stdout.trim().split("\n").at(-1)!);

test("a comparison stopped by Ctrl-C goes on where it was, to one table, a CSV and a page", async () => {
  const out = at("out");
  const args = [...common, "--methods", "knn; lora:q,v@r2", "--seeds", "0,1", "--lr-trials", "1", "--out", out];
  const stopped = startGraft(...args);
  await stopped.says("run 2 of 6: linear, seed 1");
  stopped.kill("SIGINT");
  const { code, stderr } = await stopped.finished;
  expect(code).toBe(130);
  expect(stderr).toContain("The same command goes on with what is missing");
  const journal = () => readFile(join(out, "runs.jsonl"), "utf8");
  const before = await journal();
  const done = before.trim().split("\n").length - 1;
  expect(done).toBeGreaterThanOrEqual(2);
  await appendFile(join(out, "runs.jsonl"), '{"method":"knn","seed":0,"dra'); // as a kill in the middle of a line leaves it

  const [csv, html] = [at("table.csv"), at("page.html")];
  const whole = await graft(...args, "--csv", csv, "--html", html, "--json");
  expect(whole).toMatchObject({ code: 0 });
  const lines = (await journal()).trim().split("\n");
  expect(lines.slice(0, done + 1)).toEqual(before.trim().split("\n"));
  expect(lines).toHaveLength(1 + 3 * 2); // settings, three methods, two seeds
  const result = lastLine(whole.stdout);
  expect(result).toMatchObject({ type: "result", metric: "accuracy", reference: "linear", runsDoneNow: 6 - done });
  expect(result.added).toEqual(["linear"]);
  const [linear, neighbours, lora] = result.rows;
  expect(linear.difference).toBeUndefined();
  expect(neighbours).toMatchObject({ method: "knn", trainableParameters: 0, difference: { pairs: 2 } });
  expect(lora.difference.mean).toBeCloseTo(lora.test - linear.test, 12);
  expect(lora.fileBytes).toBe(linear.fileBytes);
  expect(lora.latency.ratio).toBeGreaterThan(0);
  // A process that loads the runtime takes tens of megabytes, and its figures are its own.
  for (const row of result.rows) expect(row.peakMemoryBytes).toBeGreaterThan(3e7);
  expect((await readFile(csv, "utf8")).split("\r\n")[3]).toMatch(/^"lora:q,v@r2",/);
  expect(await readFile(html, "utf8")).toContain("<td title=");

  const again = await graftHere(...args);
  expect(again.stdout).toMatch(/lora:q,v@r2 .*\n/);
  expect(again.stdout).toContain("paired over 2 seeds (0, 1)");
  expect(await journal()).toBe(`${lines.join("\n")}\n`);

  const other = await graftHere(...args, "--batch-size", "8", "--json");
  expect(other.code).toBe(2);
  expect(lastLine(other.stdout)).toMatchObject({ code: "COMPARE_MISMATCH", thing: 'setting "options"' });
});

test("a training that does not fit the memory is done in parts or computes again, and its run says so", async () => {
  const out = at("little");
  // What a process that runs a training thinks is free.
  vi.stubEnv("NODE_OPTIONS", "--import=data:text/javascript,process.availableMemory=()=>1e6");
  const one = ["--methods", "first:1@r2", "--reference", "first:1@r2", "--seeds", "0", "--lr-trials", "1"];
  const { code, stderr } = await graftHere(...common, ...one, "--out", out);
  vi.unstubAllEnvs();
  expect(code).toBe(0);
  expect(stderr).toContain(", --micro-batch 1, --recompute on for memory: ");
  const [, run] = (await readFile(join(out, "runs.jsonl"), "utf8")).split("\n");
  expect(JSON.parse(run!)).toMatchObject({ method: "first:1@r2", microBatch: 1, recompute: "on" });
});

test.each([
  [["--methods", "knn,linear"], "parted by spaces or semicolons, not by commas"],
  [["--methods", "lora:qq"], 'target "qq"'],
  [["--seeds", "1,1"], "a seed stands in it twice"],
  [["--methods", "gga:5"], "which is added beside gga:5"],
  [["--reference", "linear full"], "it holds 2 methods"],
  [["--methods", "first:1 last:2", "--curves", "curves.svg"], "no selector stands in --methods with several"],
  [["--csv", "no-such-folder/table.csv"], "its folder does not exist"],
])("%s is refused before anything runs", async (args, words) => {
  const { code, stderr, stdout } = await graftHere(...common, ...args, "--out", at("refused"));
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(words);
});
