/**
 * Kill a study's processes with SIGKILL at random moments inside its trainings, go on with a fresh process each time, and compare
 * the final table with that of a study that nobody disturbed: `npm run build && npx tsx bench/study-kill.ts`. Fifty kills
 * (`--kills`), seeded (`--seed`); a study that ends before is followed by another one of another seed.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual, parseArgs } from "node:util";
import { random } from "../src/base/index.ts";
import { openStudyFile } from "../src/study/index.node.ts";
import type { Trial } from "../src/study/index.ts";

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "50" },
    seed: { type: "string", default: "1" },
    trials: { type: "string", default: "12" },
  },
});
const [kills, seed, trials] = [values.kills, values.seed, values.trials].map(Number) as [number, number, number];
const folder = mkdtempSync(join(tmpdir(), "graft-kill-"));
const draw = random(seed);
const tally = {
  kills: 0,
  insideTraining: 0,
  ownersKilled: 0,
  workersKilled: 0,
  studies: 0,
  trainings: 0,
  lost: 0,
  doubled: 0,
};
let differing = 0;

while (tally.kills < kills) await disturb(tally.studies++);
rmSync(folder, { recursive: true });
console.log(JSON.stringify({ seed, ...tally, differingTables: differing }, undefined, 1));
process.exitCode = differing + tally.lost + tally.doubled > 0 ? 1 : 0;

async function disturb(number: number): Promise<void> {
  const [settings, left, killed] = ["yaml", "left.db", "killed.db"].map((end) => join(folder, `${number}.${end}`)) as [
    string,
    string,
    string,
  ];
  const lines = ["tasks: [location]", "trainSize: 256", `trials: ${trials}`, `seed: ${number}`, "seeds: 2"];
  writeFileSync(settings, [...lines, "space: { rank: 4 }", "training: { epochs: 2, threads: 1 }"].join("\n"));
  for (const file of [left, killed]) graft("study", "create", settings, "--out", file);
  graft("study", "run", left, "--quiet");
  // Most studies are killed many times: what a kill leaves is short.
  while (tally.kills < kills && !isComplete(killed)) await runAndKill(killed);
  graft("study", "run", killed, "--quiet");

  const [expected, found] = [trialsOf(left), trialsOf(killed)];
  const results = (list: readonly Trial[]) => list.flatMap(({ runs }) => runs.filter(({ result }) => result));
  const keys = results(found).map(({ task, trial, seed: of }) => `${task} ${trial} ${of}`);
  tally.trainings += keys.length;
  tally.lost += Math.max(0, results(expected).length - new Set(keys).size);
  tally.doubled += keys.length - new Set(keys).size + Math.max(0, found.length - expected.length);
  if (!isDeepStrictEqual(tableOf(found), tableOf(expected))) {
    differing++;
    console.error(`study ${number} differs`);
  }
  console.error(`study ${number}: ${tally.kills} kills so far`);
}

/** Start an owner, wait until a training is under way and a moment more, and kill it or, one time in four, one of its workers. */
async function runAndKill(file: string): Promise<void> {
  const owner = spawn(process.execPath, ["dist/graft.js", "study", "run", file, "--quiet"], { stdio: "ignore" });
  const gone = once(owner, "exit");
  const begun = Date.now();
  while (childrenOf(owner).length === 0 && owner.exitCode === null) await sleep(10);
  // A worker opens model and data first; what has run for longer is inside steps.
  await sleep(draw.uniform(500, 4000));
  const [worker] = childrenOf(owner);
  if (owner.exitCode === null) {
    tally.kills++;
    if (trialsOf(file).some(({ runs }) => runs.some(({ state }) => state === "running"))) tally.insideTraining++;
    if (worker !== undefined && draw.next() < 0.25) {
      tally.workersKilled++;
      process.kill(worker, "SIGKILL");
      await sleep(draw.uniform(0, 1500));
    } else tally.ownersKilled++;
    owner.kill("SIGKILL");
  }
  await gone;
  if (Date.now() - begun > 120_000) throw new Error(`${file}: the owner hung`);
}

function graft(...args: string[]): void {
  execFileSync(process.execPath, ["dist/graft.js", ...args], { stdio: ["ignore", "ignore", "inherit"] });
}

function childrenOf({ pid }: ChildProcess): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

function trialsOf(file: string): readonly Trial[] {
  const storage = openStudyFile(file);
  const found = storage.trials();
  storage.close();
  return found;
}

function isComplete(file: string): boolean {
  const found = trialsOf(file);
  return found.length === trials && found.every(({ state }) => state === "complete");
}

/** What a study found, without times, places and attempts. */
function tableOf(list: readonly Trial[]) {
  return list.map(({ task, number, candidate, origin, state, values: means, runs }) => ({
    ...{ task, number, candidate, origin, state, means },
    runs: runs.map(({ reports, result }) => [reports, result?.measured, result?.validation, result?.bestEpoch]),
  }));
}
