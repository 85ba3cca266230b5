import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { graft } from "./graft.ts";
import { graftHere } from "./in-process.ts";

const KEPT = "docs/data/paper/edges-vit.jsonl";
let folder: string;
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "graft-paper-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("a kept study is restored and shown: tables, pictures, CSV, and the export once more", async () => {
  const out = at("edges");
  const { code, stdout } = await graft("paper", "edges", "--from", KEPT, "--out", out, "--look", "--json");
  expect(code).toBe(0);
  const { experiment, verdicts, files } = JSON.parse(stdout);
  expect([experiment, verdicts.length, files.length]).toEqual(["edges", 2, (await readdir(out)).length - 1]);
  const table = await readFile(join(out, "edges.md"), "utf8");
  expect(table).toContain("| location |");
  // Restored and exported again it has the same trials; of one between two runs the state is what runs next.
  const [kept, again] = [await readFile(KEPT, "utf8"), await readFile(join(out, "study.jsonl"), "utf8")];
  const lines = (text: string) =>
    text
      .trim()
      .split("\n")
      .slice(1) // settings gain what later versions add
      .map((line) => ({ ...JSON.parse(line), state: "" }))
      .sort(byTask);
  expect(lines(again)).toEqual(lines(kept));

  const correlation = await graftHere("paper", "correlation", "--out", out, "--look");
  expect(correlation.stdout).toContain("Rank correlation of the matrices of two tasks");
  const differs = await graftHere("paper", "edges", "--out", out, "--tasks", "count", "--look");
  expect(differs).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("has location,texture,orientation,family"),
  });
  expect(correlation.stdout).not.toContain("Not at its end");
  await writeFile(at("begun.jsonl"), (await readFile(KEPT, "utf8")).trim().split("\n").slice(0, -1).join("\n"));
  const begun = await graftHere("paper", "edges", "--from", at("begun.jsonl"), "--out", at("begun"), "--look");
  expect(begun.stdout).toMatch(/Not at its end \(\d+ of \d+ trainings\)/);
  const other = await graftHere("paper", "places", "--out", out, "--look");
  expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining("called paper-places") });
});

test("what is not asked for leaves nothing behind", async () => {
  const out = at("none");
  const other = await graftHere("paper", "places", "--from", KEPT, "--out", out, "--look");
  expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining("called paper-places") });
  const differs = await graftHere("paper", "edges", "--from", KEPT, "--seeds", "9", "--out", out, "--look");
  expect(differs).toMatchObject({ code: 2, stderr: expect.stringContaining("has 2") });
  const nothing = await graftHere("paper", "edges", "--out", out, "--look");
  expect(nothing).toMatchObject({ code: 2, stderr: expect.stringContaining("no study yet") });
  expect(await readdir(folder)).not.toContain("none");
});

test("an experiment is trained to its end, and the same command finds nothing to do", async () => {
  const sizes = ["--train-size", "32", "--measure-size", "16", "--epochs", "1", "--seeds", "1"];
  const args = ["paper", "edges", "--tasks", "texture", "--stride", "24", ...sizes, "--out", at("short")];
  const { code, stderr, stdout } = await graft(...args);
  expect(code).toBe(0);
  expect(stderr).toContain("6 trainings"); // 2 states, so 4 edges, and two baselines
  expect(stdout).toMatch(/^texture +4 /m);
  const again = await graftHere(...args, "--look", "--json");
  expect(JSON.parse(again.stdout).tables[0].table.rows[0].slice(0, 2)).toEqual(["texture", "4"]);
  const scores = await graftHere("paper", "scores", "--out", at("short"));
  expect(scores.stderr).toMatch(/texture, seed 0: \d+ scores of each edge/);
  expect(scores.stdout).toMatch(/^srank/m);
  const csv = (await readFile(join(at("short"), "scores.csv"), "utf8")).trim().split("\n");
  expect(csv[0]).toMatch(/^task,score,rho,low,high,p,given_ends_rho,.*,given_place_rho,.*,place_share,reliability$/);
  expect(csv[1]).toMatch(/^texture,srank,/);
  expect(await readFile(join(at("short"), "scores.md"), "utf8")).toContain("[scores as CSV](scores.csv)");
});

type Line = { readonly task?: string; readonly number?: number };
const byTask = (a: Line, b: Line) => (a.task ?? "").localeCompare(b.task ?? "") || (a.number ?? -1) - (b.number ?? -1);
