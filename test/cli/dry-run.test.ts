import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { tinyBertFiles, tinyText } from "../support/tiny-text.ts";
import { contentsOf, graftHere } from "./in-process.ts";

let folder: string;
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "graft-dry-run-"));
  for (const [name, content] of Object.entries(tinyBertFiles())) await writeFile(at(name), content);
  const rows = Array.from({ length: 100 }, (_, k) => `${k},"${tinyText(k)}",team ${k % 5}`);
  await writeFile(at("tickets.csv"), `id,body,team\n${rows.join("\n")}\n`);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const train = (...more: string[]) =>
  graftHere("train", "--model", folder, "--data", at("tickets.csv"), "--out", at("out"), "--threads", "1", ...more);

test("a dry run says what was understood and what it would cost, and writes nothing", async () => {
  const before = contentsOf(folder);
  const { code, stdout } = await train("--dry-run", "--epochs", "3", "--place", "gga:2@r4", "--json");
  expect(code).toBe(0);
  const run = JSON.parse(stdout);
  expect(run).toMatchObject({
    schema: 1,
    type: "dry-run",
    model: { blocks: 2, states: 5, hiddenSize: 16, normPosition: "post" },
    data: {
      goal: { kind: "classify" },
      rows: { kind: "classify", examples: [{ inputs: [tinyText(0)], target: "team 0" }, {}, {}] },
    },
    training: { place: "gga:2@r4", placement: "4-0@r4,4-1@r4", isAssumed: true, epochs: 3, backbonePrecision: "fp32" },
  });
  expect(run.training.tensors.at(-1)).toEqual({ name: "head.bias", shape: [5] });
  const { counts, classes } = run.data;
  expect(counts.train + counts.validation + counts.test).toBe(100);
  // Every fifth row is of a class.
  for (const each of classes) expect(each.train + each.validation + each.test).toBe(20);
  // Steps of 32 examples; each length of texts may end with a short one.
  expect(run.training.steps).toBeGreaterThanOrEqual(3 * Math.ceil(counts.train / 32));
  for (const seconds of ["secondsBase", "secondsScoring", "secondsTraining", "stepSeconds"])
    expect(run.cost[seconds]).toBeGreaterThan(0);
  expect(run.cost.memoryBytes).toBeGreaterThan(5e7);
  expect(existsSync(at("out"))).toBe(false);
  expect(contentsOf(folder)).toEqual(before);
});

test("where more adapters are trained on the way than are chosen, memory and time are planned for those", async () => {
  const planned = async (place: string) => {
    const { stdout } = await train("--dry-run", "--epochs", "1", "--place", place, "--json");
    return JSON.parse(stdout);
  };
  const [few, pruned] = [await planned("race:2@r2"), await planned("prune:2@r2")];
  // All 25 edges in the first round.
  expect(pruned.memory.activations).toBeGreaterThan(1.5 * few.memory.activations);
  expect(pruned.cost.secondsTrials).toBeGreaterThan(0);
  expect(pruned.training.placement).toBe(few.training.placement);
});

test("for people: example rows, classes, sites, cost; trainable parameters as a training counts them", async () => {
  const place = ["--place", "3-1@r4,0-4@r2", "--epochs", "1"];
  const { code, stdout } = await train("--dry-run", ...place, "--backbone-precision", "int8");
  expect(code).toBe(0);
  expect(stdout).toContain("  frozen products in int8 (--backbone-precision fp32 does without)\n");
  expect(stdout).toContain("adapters 3-1@r4,0-4@r2\n");
  expect(stdout).toMatch(new RegExp(`tickets.csv.*${tinyText(0)} +team 0`));
  expect(stdout).not.toContain("scoring");
  expect(stdout).toContain("    adapters.3-1.down.weight [16, 4]\n");
  const trained = await train(...place, "--json");
  const { trainableParameters } = JSON.parse(trained.stdout.trim().split("\n").at(-1)!);
  expect(stdout).toContain(`${trainableParameters.toLocaleString("en")} trainable parameters`);
});
