import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "libsql";
import { afterAll, describe, expect, test } from "vitest";
import { StudySettings } from "../settings.ts";
import type { RunKey, RunResult } from "../trial.ts";
import { exportStudy, readStudyExport, runsCsv, trialsCsv } from "./export.ts";
import { memoryStorage } from "./memory.ts";
import { migrate, VERSION } from "./migrations.node.ts";
import { createStudyFile, isStudyOwned, openStudyFile } from "./sqlite.node.ts";
import type { StudyRecord, StudyStorage } from "./storage.ts";

const folder = mkdtempSync(join(tmpdir(), "graft-storage-"));
afterAll(() => rmSync(folder, { recursive: true }));

const hostile = `"; DROP TABLE trials; -- </script>\u0000 'é`;
const study: StudyRecord = {
  name: hostile,
  settings: StudySettings.parse({ tasks: ["count", "texture"], seeds: 2, trials: 3 }),
  backbone: { name: "tiny", hash: "abc", states: 5 },
  data: { count: ["h0", "h1"], texture: ["h2", "h3"] },
  metrics: { count: "accuracy", texture: "accuracy" },
  createdAt: 1_700_000_000_000,
};
const result = (value: number, trainableParameters = 10): RunResult => ({
  validation: { value: value + 0.1, loss: 1 - value },
  measured: { value, loss: 2 - value },
  bestEpoch: 1,
  trainableParameters,
  seconds: 1.5,
  peakMemoryBytes: 1e9,
  latency: { model: 3, base: 2 },
});
const key = (trial: number, seed: number, task = "count"): RunKey => ({ task, trial, seed });

let files = 0;
function sqlite(): StudyStorage {
  const path = join(folder, `study ${files++}.db`);
  createStudyFile(path, study);
  return openStudyFile(path, { owner: true });
}

describe.each([
  ["memory", () => memoryStorage(study)],
  ["sqlite", sqlite],
])("%s storage", (_, open) => {
  test("a trial's state follows its runs, and its values are their means", () => {
    const storage = open();
    expect(storage.study).toEqual(study);
    const trial = storage.addTrial("count", { method: "1-2@r8", learningRate: 1e-3 }, "random");
    expect(trial).toMatchObject({ task: "count", number: 0, state: "waiting", origin: "random" });
    expect(trial.runs.map(({ seed, state }) => [seed, state])).toEqual([
      [0, "waiting"],
      [1, "waiting"],
    ]);
    const now = () => storage.trials("count")[0]!;
    expect(storage.startRun(key(0, 0), hostile)).toBe(true);
    expect(now().state).toBe("running");
    expect(storage.report(key(0, 0), { epoch: 1, value: 0.3, loss: 1 })).toBe(true);
    storage.log(key(0, 0), hostile);
    expect(storage.completeRun(key(0, 0), result(0.4, 10))).toBe(true);
    expect(now().state).toBe("running");
    expect(now().values).toBeUndefined();
    storage.startRun(key(0, 1), "b");
    storage.completeRun(key(0, 1), result(0.6, 20));
    expect(now().state).toBe("complete");
    expect(now().values).toEqual({ metric: 0.5, parameters: 15, latency: 1.5 });
    expect(now().runs[0]).toMatchObject({
      worker: hostile,
      log: [hostile],
      attempts: 1,
      reports: [{ epoch: 1, value: 0.3, loss: 1 }],
      result: result(0.4, 10),
    });
    expect(now().runs[0]!.endedAt).toBeGreaterThanOrEqual(now().runs[0]!.startedAt!);
    storage.close();
  });

  test("what comes too late changes nothing", () => {
    const storage = open();
    storage.addTrial("count", { method: "none" }, "baseline");
    const late = (run: RunKey) => [
      storage.report(run, { epoch: 1, value: 0, loss: 0 }),
      storage.completeRun(run, result(0.1)),
      storage.pruneRun(run, "slow"),
      storage.failRun(run, "late"),
      storage.returnRun(run, "late"),
    ];
    expect(late(key(0, 0))).toEqual([false, false, false, false, false]); // not begun
    expect(late(key(7, 0))).toEqual([false, false, false, false, false]); // not there
    storage.startRun(key(0, 0), "a");
    expect(storage.startRun(key(0, 0), "b")).toBe(false);
    storage.completeRun(key(0, 0), result(0.5));
    const before = storage.trials();
    expect(late(key(0, 0))).toEqual([false, false, false, false, false]);
    expect(storage.trials()).toEqual(before);
    storage.close();
  });

  test("a run that failed or was pruned ends its trial; one whose worker died waits again", () => {
    const storage = open();
    for (let k = 0; k < 3; k++) storage.addTrial("texture", { method: `${k}-0@r8` }, "grid");
    for (let k = 0; k < 3; k++) storage.startRun(key(k, 0, "texture"), "a");
    storage.report(key(2, 0, "texture"), { epoch: 1, value: 0.3, loss: 1 });
    storage.failRun(key(0, 0, "texture"), hostile);
    storage.pruneRun(key(1, 0, "texture"), "too slow");
    storage.returnRun(key(2, 0, "texture"), "its worker died");
    const [failed, pruned, back] = storage.trials("texture");
    expect(failed!.state).toBe("failed");
    expect(failed!.runs.map(({ state, error }) => [state, error])).toEqual([
      ["failed", hostile],
      ["failed", undefined],
    ]);
    expect(pruned!.state).toBe("pruned");
    expect(back!.state).toBe("waiting");
    expect(back!.runs[0]).toMatchObject({ state: "waiting", attempts: 1, reports: [], log: ["its worker died"] });
    storage.startRun(key(2, 0, "texture"), "b");
    expect(storage.trials("texture")[2]!.runs[0]!.attempts).toBe(2);
    expect(storage.trials("count")).toEqual([]);
    expect(storage.trials()).toHaveLength(3);
    storage.close();
  });

  test("scores and the wish to stop are kept", () => {
    const storage = open();
    expect(storage.scores("count")).toBeUndefined();
    storage.setScores("count", { matrix: [[1.5]] });
    expect(storage.scores("count")).toEqual({ matrix: [[1.5]] });
    expect(storage.isStopRequested()).toBe(false);
    storage.requestStop();
    expect(storage.isStopRequested()).toBe(true);
    storage.clearStop();
    expect(storage.isStopRequested()).toBe(false);
    storage.close();
  });

  test("an export restores the whole, runs under way as waiting", () => {
    const storage = open();
    storage.addTrial("count", { method: "1-2@r8", learningRate: 1e-3, initScale: 2 }, "tpe");
    storage.addTrial("count", { method: "none" }, "baseline");
    storage.startRun(key(0, 0), "a");
    storage.completeRun(key(0, 0), { ...result(0.5), measured: { value: Number.NaN, loss: Number.NaN } });
    storage.startRun(key(0, 1), "a");
    const { record, trials } = readStudyExport(exportStudy(storage));
    expect(record).toEqual(study);
    const [first, second] = storage.trials();
    expect(trials).toEqual([
      { ...first, state: "waiting", runs: [first!.runs[0], { ...first!.runs[1], state: "waiting" }] },
      second,
    ]);
    const path = join(folder, `restored ${files++}.db`);
    createStudyFile(path, record, trials);
    expect(openStudyFile(path).trials()).toEqual(trials);
    expect(runsCsv(storage.trials()).split("\n")).toHaveLength(1 + 4 + 1);
    expect(trialsCsv(storage.trials()).split("\n")[2]).toBe("count,1,baseline,none,,,waiting,0,,,");
    storage.close();
  });
});

test("an export that is none is refused with the line", () => {
  const line = JSON.stringify({ schema: 1, ...study });
  const message = (text: string) => expect(() => readStudyExport(text, "x.jsonl"));
  message("").toThrow(/x\.jsonl:1.*no JSON/);
  message('{"schema":2}').toThrow(/x\.jsonl:1.*schema/);
  message(`${line}\n{"task":"count"}`).toThrow(/x\.jsonl:2.*number/);
  message(`${line}\n{`).toThrow(/x\.jsonl:2.*no JSON/);

  const storage = memoryStorage(study);
  for (let k = 0; k < 3; k++) storage.addTrial("count", { method: "none" }, "random");
  const lines = exportStudy(storage).trimEnd().split("\n");
  message(lines.toSpliced(2, 1).join("\n")).toThrow(/x\.jsonl:3: trial 2 of count stands where 1 should/);
  message(lines.join("\n").replaceAll('"task":"count","number":2', '"task":"cuont","number":2')).toThrow(
    /no task "cuont"/,
  );
  message(lines.join("\n").replace(/,\{"task":"count","trial":2,"seed":1.*?\}/, "")).toThrow(
    /:4: .*one run for each of 2 seeds/,
  );
});

describe("the file of a study", () => {
  test("a reader sees what the owner wrote, at once; a second owner is refused until the first is gone", () => {
    const path = join(folder, "shared.db");
    createStudyFile(path, study);
    expect(isStudyOwned(path)).toBe(false);
    const owner = openStudyFile(path, { owner: true });
    const reader = openStudyFile(path);
    owner.addTrial("count", { method: "none" }, "baseline");
    expect(reader.trials()).toEqual(owner.trials());
    owner.startRun(key(0, 0), "a");
    expect(reader.trials()[0]!.state).toBe("running");
    expect(isStudyOwned(path)).toBe(true);
    reader.requestStop();
    expect(owner.isStopRequested()).toBe(true);
    expect(() => openStudyFile(path, { owner: true })).toThrow(expect.objectContaining({ code: "STUDY_OWNED" }));
    owner.close();
    expect(isStudyOwned(path)).toBe(false);
    openStudyFile(path, { owner: true }).close();
    reader.close();
  });

  test("the lock goes with its process, however that ends", async () => {
    const path = join(folder, "killed.db");
    createStudyFile(path, study);
    const code = `import Database from "libsql"; const db = new Database(${JSON.stringify(`${path}-owner`)}); db.exec("BEGIN EXCLUSIVE"); console.log("locked"); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", code], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await new Promise((resolve) => child.stdout.once("data", resolve));
    expect(() => openStudyFile(path, { owner: true })).toThrow(expect.objectContaining({ code: "STUDY_OWNED" }));
    expect(isStudyOwned(path)).toBe(true);
    child.kill("SIGKILL");
    await new Promise((resolve) => child.once("exit", resolve));
    openStudyFile(path, { owner: true }).close();
  });

  test("a file of an older version is brought up to date and loses nothing", () => {
    const path = join(folder, "old.db");
    const db = new Database(path);
    migrate(db, 0, 1);
    db.prepare("INSERT INTO study (id, record) VALUES (1, ?)").run(JSON.stringify(study));
    db.prepare("INSERT INTO trials VALUES ('count', 0, '{\"method\":\"none\"}', 'baseline', 'waiting', NULL)").run();
    db.close();
    const storage = openStudyFile(path, { owner: true });
    expect(storage.trials()).toMatchObject([{ task: "count", candidate: { method: "none" } }]);
    storage.setScores("count", { matrix: [[1]] }); // version 1 had no room for it
    expect(storage.scores("count")).toEqual({ matrix: [[1]] });
    storage.close();
  });

  test("what is no study of this graft is refused in a line", () => {
    const code = (path: string) => {
      try {
        openStudyFile(path, { owner: true }).close();
        return "opened";
      } catch (error) {
        return (error as { code?: string }).code;
      }
    };
    const text = join(folder, "text.db");
    writeFileSync(text, "trials: 3\n".repeat(10));
    const other = join(folder, "other.db");
    const cats = new Database(other);
    cats.exec("CREATE TABLE cats (name TEXT)");
    cats.close();
    const newer = join(folder, "newer.db");
    createStudyFile(newer, study);
    const db = new Database(newer);
    db.pragma(`user_version = ${VERSION + 1}`);
    db.close();
    expect([join(folder, "missing.db"), text, other, newer].map(code)).toEqual([
      "FILE_MISSING",
      "NOT_A_STUDY",
      "NOT_A_STUDY",
      "STUDY_TOO_NEW",
    ]);
    expect(new Database(other).prepare("SELECT name FROM sqlite_master").all()).toEqual([{ name: "cats" }]);
    expect(readFileSync(text, "utf8")).toMatch(/^trials/);
    expect(() => createStudyFile(text, study)).toThrow(expect.objectContaining({ code: "FILE_EXISTS" }));
  });
});
