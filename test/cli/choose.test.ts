import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { tinyBertFiles, tinyText } from "../support/tiny-text.ts";
import { graftHere, graftInThread } from "./in-process.ts";

let folder: string;
let data: string[];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "graft-choose-"));
  for (const [name, content] of Object.entries(tinyBertFiles())) await writeFile(join(folder, name), content);
  const rows = Array.from({ length: 80 }, (_, k) => `"${tinyText(k)}",team ${k % 4}`);
  await writeFile(join(folder, "tickets.csv"), `body,team\n${rows.join("\n")}\n`);
  data = ["--model", folder, "--data", join(folder, "tickets.csv"), "--threads", "1", "--epochs", "1"];
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("graft select scores and trains where the placement asks for it, and prints edges for --place", async () => {
  const { code, stdout, stderr } = await graftInThread("select", ...data, "--place", "greedy:2@r2", "--json");
  expect(code).toBe(0);
  expect(stderr).toContain("trial 1 of 1: 1 adapter, seed 0: validation accuracy");
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const { edges, placement, trials, seconds } = lines.at(-1);
  expect(edges).toHaveLength(2);
  expect(trials).toHaveLength(1);
  expect(seconds).toBeGreaterThan(0);
  expect(placement).toBe(edges.map(({ from, to }: { from: number; to: number }) => `${from}-${to}@r2`).join(","));
});

test("graft select --place prune names its figures: how edges stand, not gradient ranks", async () => {
  const { code, stdout, stderr } = await graftHere("select", ...data, "--place", "prune:2@r2");
  expect(code).toBe(0);
  expect(stderr).toContain("trial 1 of 5: 25 adapters, seed 0: validation accuracy");
  expect(stdout).toMatch(/^from +to +kind +standing\n( +\d+ +\d+ +[a-z-]+ +[\d.]+\n){2}\n--place /);
});

test("graft train --method auto tries numbers of adapters, trains what was enough, and keeps the choice for --resume", async () => {
  const out = join(folder, "out");
  const auto = ["train", ...data, "--method", "auto:1@r2", "--select-seeds", "1", "--out", out];
  const { code, stderr } = await graftHere(...auto);
  expect(code).toBe(0);
  expect(stderr).toContain("auto:1@r2 trains to choose: up to 26 trainings, 26 epochs in all");
  for (const count of ["0 adapters", "1 adapter"])
    expect(stderr).toMatch(new RegExp(`^.*${count}: validation accuracy .* (behind|as good as) the best`, "m"));
  const { placement } = JSON.parse(await readFile(join(out, "result.json"), "utf8"));
  expect(JSON.parse(await readFile(join(out, "selection.json"), "utf8")).placement).toBe(placement);

  const again = await graftHere(...auto, "--resume");
  expect(again.code).toBe(0);
  expect(again.stderr).toContain(`placement ${placement}, as chosen before`);
  expect(again.stderr).not.toContain("trial 1");
});
