import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { random } from "../../src/base/index.ts";
import { writeModel } from "../../src/graph/index.node.ts";
import type { Trial } from "../../src/study/index.ts";
import { tinyPreNorm } from "../support/tiny-backbone.ts";
import { graft, startGraft } from "./graft.ts";
import { graftHere } from "./in-process.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "graft-study-"));
  await writeModel((await tinyPreNorm()).graph, join(folder, "tiny.onnx"));
  await writeFile(
    join(folder, "study.yaml"),
    [
      `model: ${join(folder, "tiny.onnx")}`,
      "tasks: [count, texture]",
      "trainSize: 64",
      "measureSize: 30",
      "trials: 3",
      "seeds: 2",
      "baselines: ['first:1']",
      "space: { count: [1, 2], rank: 2, learningRate: [0.001, 0.01] }",
      "training: { epochs: 8, batchSize: 4 }",
    ].join("\n"),
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const TRAININGS = 2 * (3 + 1) * 2;

const make = async (name: string) => {
  const file = join(folder, name);
  const made = await graftHere("study", "create", join(folder, "study.yaml"), "--out", file, "--json");
  expect(made).toMatchObject({ code: 0 });
  expect(JSON.parse(made.stdout)).toMatchObject({ trainings: TRAININGS });
  return file;
};

test("a file that is there is refused before the model is looked at", async () => {
  const [settings, file] = [join(folder, "no-model.yaml"), join(folder, "there.db")];
  await writeFile(settings, `model: ${join(folder, "missing.onnx")}\ntasks: [count]\ntrials: 1\n`);
  await writeFile(file, "");
  const there = await graftHere("study", "create", settings, "--out", file);
  expect(there).toMatchObject({ code: 2, stderr: expect.stringContaining("there is a file of that name") });
  const missing = await graftHere("study", "create", settings, "--out", join(folder, "new.db"));
  expect(missing).toMatchObject({ code: 2, stderr: expect.stringContaining("missing.onnx") });
  expect(existsSync(join(folder, "new.db"))).toBe(false);
});

const trialsOf = async (file: string): Promise<readonly Trial[]> =>
  JSON.parse((await graftHere("study", "status", file, "--json")).stdout).trials;

/** What a study found, without times and processes. */
const tableOf = (trials: readonly Trial[]) =>
  trials.map(({ task, number, candidate, origin, state, values, runs }) => ({
    ...{ task, number, candidate, origin, state, values },
    runs: runs.map(({ result, reports }) => [result?.measured, result?.validation, result?.bestEpoch, reports]),
  }));

let whole: Promise<string> | undefined;
/** A study that nobody disturbed. */
const undisturbed = () => {
  whole ??= (async () => {
    const file = await make("whole.db");
    expect(await graft("study", "run", file, "--quiet")).toMatchObject({ code: 0 });
    return file;
  })();
  return whole;
};

const childrenOf = (pid: number): number[] => {
  try {
    return execFileSync("ps", ["-o", "pid=", "--ppid", String(pid)], { encoding: "utf8" })
      .split("\n")
      .filter(Boolean)
      .map(Number);
  } catch {
    return [];
  }
};

test("a study whose processes are killed at random moments ends with the table of one left alone", async () => {
  const file = await make("killed.db");
  const draw = random(4);
  for (let kill = 0; kill < 3; kill++) {
    const run = startGraft("study", "run", file, "--workers", "2", "--quiet");
    // A worker has begun; then a random moment more. The first kill takes one worker, the others the owner.
    while (childrenOf(run.pid).length === 0) await sleep(5);
    await sleep(200 + draw.uniform(0, 700));
    const [worker] = childrenOf(run.pid);
    if (kill === 0 && worker) {
      process.kill(worker, "SIGKILL");
      await sleep(500);
    }
    run.kill("SIGKILL");
    await run.finished;
  }
  const end = await graft("study", "resume", file, "--json");
  expect(end).toMatchObject({ code: 0 });
  expect(JSON.parse(end.stdout.trim().split("\n").at(-1)!)).toMatchObject({ end: "complete", trials: 8, complete: 8 });
  const trials = await trialsOf(file);
  expect(trials.flatMap(({ runs }) => runs)).toHaveLength(TRAININGS);
  expect(tableOf(trials)).toEqual(tableOf(await trialsOf(await undisturbed())));
});

test("an export restores the study, and a restored study that is complete has nothing left to do", async () => {
  const file = await undisturbed();
  const [jsonl, csv] = [join(folder, "study.jsonl"), join(folder, "runs.csv")];
  expect(await graftHere("study", "export", file, "--jsonl", jsonl, "--csv", csv)).toMatchObject({ code: 0 });
  expect((await readFile(csv, "utf8")).trim().split("\n")).toHaveLength(1 + TRAININGS);
  const restored = join(folder, "restored.db");
  expect(await graftHere("study", "create", "--from", jsonl, "--out", restored)).toMatchObject({ code: 0 });
  expect(await trialsOf(restored)).toEqual(await trialsOf(file));
  const again = await graftHere("study", "run", restored);
  expect(again).toMatchObject({ code: 0, stdout: expect.stringMatching(/complete: 8 of 8/) });
});

test("Ctrl-C and `study stop` leave a study that can be gone on with", async () => {
  const file = await make("stopped.db");
  const run = startGraft("study", "run", file, "--workers", "1");
  while (childrenOf(run.pid).length === 0) await sleep(5);
  await sleep(800);
  run.kill("SIGINT");
  const interrupted = await run.finished;
  expect(interrupted.code).toBe(130);
  expect(interrupted.stderr).toContain(`\`graft study resume ${file}\` goes on`);
  expect((await graftHere("study", "status", file)).stdout).toMatch(/no process runs it/);
  expect((await graftHere("study", "stop", file)).stdout).toMatch(/no process runs it/);
  const states = (await trialsOf(file)).flatMap(({ runs }) => runs.map(({ state }) => state));
  expect(states).not.toContain("running");

  const next = startGraft("study", "run", file, "--workers", "1");
  while (childrenOf(next.pid).length === 0) await sleep(5);
  await sleep(300);
  const second = await graftHere("study", "run", file);
  expect(second).toMatchObject({ code: 2, stderr: expect.stringMatching(/another process runs this study/) });
  expect(await graft("study", "stop", file)).toMatchObject({ code: 0 });
  const ended = await next.finished;
  expect(ended).toMatchObject({ code: 0, stdout: expect.stringMatching(/stopped, as it was asked to/) });
});

test.each([
  ["tasks: [count]\ntrials: 3\nspace: { count: 700 }", /700 adapters are asked for, and there are 625 edges/],
  ["tasks: [cuont]\ntrials: 3", /cuont.*count/],
  ["tasks: [docs]\ntrials: 3", /"docs".*Write \.\/docs/],
  ["tasks: [count]\ntrials: 3\nbaselines: ['gga:3']", /gga:3.*sampler: scores/],
])("a study.yaml that says %j is refused in a line", async (text, message) => {
  const yaml = join(folder, "bad.yaml");
  await writeFile(yaml, text);
  const out = join(folder, "bad.db");
  const { code, stderr } = await graftHere("study", "create", yaml, "--out", out, "--quiet");
  expect(stderr.trim().split("\n")).toHaveLength(1);
  expect(stderr).toMatch(message);
  expect(code).toBe(2);
  expect(existsSync(out)).toBe(false);
});

test("files that are no study, and words that are no command, are refused in a line", async () => {
  const line = async (...argv: string[]) => {
    const { code, stderr } = await graftHere(...argv);
    expect(code).toBe(2);
    return stderr.trim();
  };
  expect(await line("study", "run", join(folder, "missing.db"))).toMatch(/no such file.*graft study create/);
  expect(await line("study", "status", join(folder, "tiny.onnx"))).toMatch(/no file of a study/);
  expect(await line("study", "rum")).toMatch(/command "rum".*[Dd]id you mean "run"/);
  expect(await line("study", "create")).toMatch(/neither a study.yaml nor --from/);
  expect(await line("study")).toMatch(/Usage: graft study COMMAND/);
  expect((await graftHere("study", "--help")).stdout).toMatch(/resume/);
});
