import { expect, test } from "vitest";
import { memoryStorage, StudySettings } from "../study/index.ts";
import { studySummary } from "./study-summary.ts";

const MINUTE = 60_000;

const moment = (now: number, isOwned = true) => ({ now, isOwned, file: "search.db" });

const emptyStudy = (settings: object) =>
  memoryStorage({
    name: "search",
    settings: StudySettings.parse({ tasks: ["count"], trials: 10, ...settings }),
    backbone: { name: "vit", hash: "abc", states: 25 },
    data: {},
    metrics: { count: "accuracy" },
    createdAt: 0,
  });

const evaluation = (value: number) => ({ value, loss: 0 });

test("a task's row counts states, names the best and says how random draws spread", () => {
  const storage = emptyStudy({});
  for (const [method, origin, value] of [
    ["none", "baseline", 0.3],
    ["1-2@r8", "random", 0.5],
    ["3-4@r8", "random", 0.7],
    ["5-6@r8", "random", 0.6],
    ["7-8@r8", "tpe", 0.8],
  ] as const) {
    const run = { task: "count", trial: storage.addTrial("count", { method }, origin).number, seed: 0 };
    storage.startRun(run, "w");
    storage.completeRun(run, {
      validation: evaluation(value),
      measured: evaluation(value),
      bestEpoch: 1,
      trainableParameters: 1,
      seconds: 1,
    });
  }
  const [failed, pruned, running] = ["9-1@r8", "9-2@r8", "9-3@r8"].map((method) => {
    const run = { task: "count", trial: storage.addTrial("count", { method }, "tpe").number, seed: 0 };
    storage.startRun(run, "w");
    return run;
  });
  storage.failRun(failed!, "it broke");
  storage.pruneRun(pruned!, "worse than the median");
  expect(running).toBeDefined();
  const row = studySummary(storage.trials(), storage.study, moment(Date.now()))
    .split("\n")
    .find((line) => line.startsWith("count"));
  // complete, running, pruned, failed, best, by, spread
  expect(row!.split(/\s{2,}/)).toEqual(["count", "5", "1", "1", "1", "0.8000", "7-8@r8 (4)", "0.6000 (0.5000–0.7000)"]);
});

test("a metric that is no number is neither the best nor part of the spread", () => {
  const storage = emptyStudy({});
  for (const [k, value] of [Number.NaN, 0.5, 0.7].entries()) {
    const run = { task: "count", trial: storage.addTrial("count", { method: `${k}-2@r8` }, "random").number, seed: 0 };
    storage.startRun(run, "w");
    const [validation, measured] = [evaluation(value), evaluation(value)];
    storage.completeRun(run, { validation, measured, bestEpoch: 1, trainableParameters: 1, seconds: 1 });
  }
  const summary = studySummary(storage.trials(), storage.study, moment(Date.now()));
  expect(summary).toMatch(/^count +3 .* 0\.7000 +2-2@r8 \(2\) +0\.6000 \(0\.5000–0\.7000\)$/m);
});

test("the rate is that of the last hour, and the rest takes as long", () => {
  const { study } = emptyStudy({});
  const run = { task: "count", seed: 0, attempts: 1, reports: [], log: [] };
  const trial = (number: number, state: "complete" | "running", endedAt?: number, startedAt?: number) => ({
    task: "count",
    number,
    candidate: { method: "1-2@r8" },
    origin: "random",
    state,
    runs: [{ ...run, trial: number, state, startedAt, endedAt }],
  });
  const trials = [...[0, 10, 20, 30].map((at, k) => trial(k, "complete", at * MINUTE)), trial(4, "running")];
  // Three trainings in the 30 minutes after the first ended: 6 an hour; 6 of 10 are left.
  const lines = studySummary(trials, study, moment(30 * MINUTE)).split("\n");
  expect(lines.at(-1)).toBe("4 of 10 trainings, 6 an hour, about 60 min left");
  // A killed process leaves a training under way: nothing is left to wait for.
  expect(studySummary(trials, study, moment(30 * MINUTE, false))).toMatch(
    /\n4 of 10 trainings; no process runs it: `graft study run search\.db` goes on$/,
  );
  const whole = Array.from({ length: 10 }, (_, k) => trial(k, "complete", k * MINUTE));
  expect(studySummary(whole, study, moment(30 * MINUTE, false))).toMatch(/\n10 of 10 trainings$/);

  // Stopped for 15 of those minutes: three trainings of 5 minutes, two of them after the first since then ended.
  const paused = [5, 20, 25, 30].map((at, k) => trial(k, "complete", at * MINUTE, (at - 5) * MINUTE));
  const [last] = studySummary(paused, study, moment(30 * MINUTE))
    .split("\n")
    .slice(-1);
  expect(last).toBe("4 of 10 trainings, 12 an hour, about 30 min left");
});
