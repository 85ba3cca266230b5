import { expect, test } from "vitest";
import { GraftError } from "../base/index.ts";
import { runStudy } from "./run-study.ts";
import { StudySettings } from "./settings.ts";
import { memoryStorage } from "./storage/memory.ts";
import type { StudyRecord, StudyStorage } from "./storage/storage.ts";
import type { RunResult } from "./trial.ts";
import type { RunRequest, Workers } from "./workers/workers.ts";

const recordOf = (settings: object): StudyRecord => ({
  name: "s",
  settings: StudySettings.parse({ tasks: ["count", "texture"], trials: 5, seeds: 2, ...settings }),
  backbone: { name: "tiny", hash: "abc", states: 5 },
  data: { count: ["c0", "c1"], texture: ["t0", "t1"] },
  metrics: {},
  createdAt: 0,
});

/** As good as its edges are late; seeds differ a little. */
function resultOf({ candidate, seed }: RunRequest): RunResult {
  const sum = [...candidate.method.matchAll(/\d+/g)].reduce((total, [digits]) => total + Number(digits), 0);
  const value = sum / 100 + seed / 1000;
  const evaluation = { value, loss: 1 - value };
  return { validation: evaluation, measured: evaluation, bestEpoch: 1, trainableParameters: 1, seconds: 0 };
}

interface FakeOptions {
  readonly slots?: number;
  /** Thrown instead of a result. */
  readonly fails?: (request: RunRequest, attempt: number) => Error | undefined;
  readonly delay?: (request: RunRequest) => number;
  readonly epochs?: number;
}

function fakeWorkers({ slots = 1, fails, delay = () => 0, epochs = 1 }: FakeOptions = {}) {
  const begun: RunRequest[] = [];
  let [active, most] = [0, 0];
  const workers: Workers = {
    slots,
    async run(request, { signal, onStart, onReport }) {
      begun.push(request);
      most = Math.max(most, ++active);
      try {
        onStart("fake");
        for (let epoch = 1; epoch <= epochs; epoch++) {
          await new Promise((resolve) => setTimeout(resolve, delay(request)));
          signal.throwIfAborted();
          onReport({ epoch, ...resultOf(request).validation });
          signal.throwIfAborted();
        }
        const error = fails?.(request, begun.filter((other) => keyOf(other) === keyOf(request)).length);
        if (error) throw error;
        return resultOf(request);
      } finally {
        active--;
      }
    },
    close: async () => {},
  };
  return { workers, begun, most: () => most };
}

const keyOf = ({ task, trial, seed }: RunRequest) => `${task} ${trial} ${seed}`;

/** What there is to see of a study, without its times. */
const tableOf = (storage: StudyStorage) =>
  storage.trials().map(({ task, number, candidate, state, values }) => ({ task, number, candidate, state, values }));

test("every trial of every task is trained once for each seed, baselines first", async () => {
  const storage = memoryStorage(recordOf({ baselines: ["none", "first:2"] }));
  const { workers, begun } = fakeWorkers();
  const ended: string[] = [];
  const onTrial = ({ task, number }: { task: string; number: number }) => void ended.push(`${task} ${number}`);
  expect(await runStudy(storage, workers, { onTrial })).toBe("complete");
  expect(begun).toHaveLength(2 * 7 * 2);
  expect(new Set(begun.map(keyOf)).size).toBe(begun.length);
  expect(ended).toHaveLength(14);
  const trials = storage.trials("count");
  expect(trials.map(({ origin }) => origin)).toEqual(["baseline", "baseline", ...Array(5).fill("random")]);
  expect(trials.every(({ state }) => state === "complete")).toBe(true);
  expect(begun[0]).toMatchObject({ study: "s", task: "count", seed: 0, backboneHash: "abc", dataHash: "c0" });
  // Balanced: no task is a trial ahead.
  const order = begun.map(({ trial }) => trial);
  expect(order).toEqual(order.toSorted((a, b) => a - b));
});

test("any number of workers finds the same trials", async () => {
  const serial = memoryStorage(recordOf({}));
  await runStudy(serial, fakeWorkers().workers);
  const parallel = memoryStorage(recordOf({}));
  const fakes = fakeWorkers({ slots: 4, delay: ({ trial, seed }) => ((trial * 7 + seed * 3) % 5) * 3 });
  await runStudy(parallel, fakes.workers);
  expect(fakes.most()).toBe(4);
  expect(tableOf(parallel)).toEqual(tableOf(serial));
});

test("a study that was stopped goes on where it was: nothing twice, nothing lost", async () => {
  const whole = memoryStorage(recordOf({}));
  await runStudy(whole, fakeWorkers().workers);
  const storage = memoryStorage(recordOf({}));
  const controller = new AbortController();
  const stopped = new Error("Ctrl-C");
  const first = fakeWorkers({ slots: 2, delay: () => 5 });
  const run = runStudy(storage, first.workers, {
    signal: controller.signal,
    onTrial: ({ number }) => number === 1 && controller.abort(stopped),
  });
  await expect(run).rejects.toBe(stopped);
  expect(
    storage
      .trials()
      .flatMap(({ runs }) => runs)
      .filter(({ state }) => state === "running"),
  ).toEqual([]);
  const second = fakeWorkers();
  expect(await runStudy(storage, second.workers)).toBe("complete");
  expect(tableOf(storage)).toEqual(tableOf(whole));
  const runs = storage.trials().flatMap((trial) => trial.runs);
  expect(second.begun.length).toBeLessThan(runs.length);
});

test("what a dead owner left under way is begun again, or asked for where the workers live on", async () => {
  for (const workersOutlive of [false, true]) {
    const storage = memoryStorage(recordOf({ tasks: ["count"], trials: 1, seeds: 1 }));
    storage.addTrial("count", { method: "1-2@r8" }, "random");
    storage.startRun({ task: "count", trial: 0, seed: 0 }, "gone");
    const { workers, begun } = fakeWorkers();
    await runStudy(storage, workers, { workersOutlive });
    expect(begun).toHaveLength(1);
    const [run] = storage.trials()[0]!.runs;
    expect(run).toMatchObject({ state: "complete", attempts: workersOutlive ? 1 : 2 });
  }
});

test("a request to stop lets what is under way end", async () => {
  const storage = memoryStorage(recordOf({}));
  const { workers } = fakeWorkers({ delay: () => 2 });
  const end = await runStudy(storage, workers, { onTrial: ({ number }) => number === 1 && storage.requestStop() });
  expect(end).toBe("stopped");
  const states = storage.trials().flatMap(({ runs }) => runs.map(({ state }) => state));
  expect(states).not.toContain("running");
  expect(storage.trials().length).toBeLessThan(2 * 5);
  expect(storage.isStopRequested()).toBe(false);
});

test("a request to stop takes back what workers hold ready and nobody has begun", async () => {
  const storage = memoryStorage(recordOf({ tasks: ["count"], seeds: 1 }));
  let turn: Promise<unknown> = Promise.resolve();
  const { workers, begun } = fakeWorkers({ slots: 4, delay: () => 5 });
  /** Four slots, and one who trains. */
  const queue: Workers = {
    ...workers,
    run(request, call) {
      const { signal } = call;
      const taken = turn.then(() => {
        signal.throwIfAborted();
        return workers.run(request, call);
      });
      turn = taken.catch(() => {});
      const back = new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      return Promise.race([taken, back]);
    },
  };
  const end = runStudy(storage, queue, { onTrial: ({ number }) => number === 0 && storage.requestStop() });
  expect(await end).toBe("stopped");
  expect(begun.length).toBeLessThan(4);
  const states = storage.trials().map(({ state }) => state);
  expect(states.filter((state) => state === "complete")).toHaveLength(begun.length);
  expect(states).not.toContain("running");
});

const died = () => new GraftError("WORKER_DIED", { thing: "a training", place: "killed", remedy: "" });
const broken = (at: number) =>
  new GraftError("LOSS_NOT_FINITE", { thing: "the loss", place: `step ${at}`, remedy: "" });

test("a training whose worker dies is begun again, so often and no more", async () => {
  const storage = memoryStorage(recordOf({ tasks: ["count"], attempts: 3, seeds: 1 }));
  const { workers } = fakeWorkers({
    fails: ({ trial }, attempt) => ((trial === 0 && attempt < 3) || trial === 1 ? died() : undefined),
  });
  await runStudy(storage, workers);
  const [first, second] = storage.trials();
  expect(first).toMatchObject({ state: "complete", runs: [{ attempts: 3 }] });
  expect(second).toMatchObject({ state: "failed", runs: [{ attempts: 3, error: expect.stringMatching("killed") }] });
});

test("a failed trial is kept with its error, and the study goes on; it ends where the first ones fail alike", async () => {
  const storage = memoryStorage(recordOf({ tasks: ["count"] }));
  const some = fakeWorkers({ fails: ({ trial }) => (trial === 1 ? broken(3) : undefined) });
  expect(await runStudy(storage, some.workers)).toBe("complete");
  expect(storage.trials().map(({ state }) => state)).toEqual(["complete", "failed", ...Array(3).fill("complete")]);
  expect(storage.trials()[1]!.runs[0]!.error).toMatch(/step 3/);
  const every = fakeWorkers({ fails: () => broken(1) });
  const run = runStudy(memoryStorage(recordOf({})), every.workers);
  await expect(run).rejects.toMatchObject({ code: "STUDY_FAILS", message: expect.stringMatching("step 1") });
});

test("a study whose every worker dies is given up", async () => {
  const { workers, begun } = fakeWorkers({
    fails: ({ candidate, seed }) =>
      new GraftError("WORKER_DIED", { thing: `${candidate.method}, seed ${seed}`, place: "killed", remedy: "" }),
  });
  const run = runStudy(memoryStorage(recordOf({ tasks: ["count"], seeds: 1, attempts: 2 })), workers);
  await expect(run).rejects.toMatchObject({ code: "STUDY_FAILS" });
  expect(begun).toHaveLength(3 * 2);
});

test.each(["DATA_DIFFERS", "FILE_MISSING", "HUB_OFFLINE"])(
  "what only this host lacks (%s) ends the study, and nothing is lost",
  async (code) => {
    const storage = memoryStorage(recordOf({ tasks: ["count"] }));
    const differs = new GraftError(code, { thing: "data count", place: "not here", remedy: "" });
    const { workers } = fakeWorkers({ fails: ({ trial }) => (trial === 2 ? differs : undefined) });
    await expect(runStudy(storage, workers)).rejects.toBe(differs);
    expect(
      storage
        .trials()
        .map(({ state }) => state)
        .slice(0, 3),
    ).toEqual(["complete", "complete", "waiting"]);
  },
);

test("a pruned trial ends early, baselines never do", async () => {
  const epochs = 4;
  const storage = memoryStorage(
    recordOf({
      tasks: ["count"],
      trials: 20,
      seeds: 1,
      baselines: ["none"],
      pruner: "median",
      training: { epochs },
    }),
  );
  expect(await runStudy(storage, fakeWorkers({ epochs }).workers)).toBe("complete");
  const trials = storage.trials();
  const pruned = trials.filter(({ state }) => state === "pruned");
  expect(pruned.length).toBeGreaterThan(0);
  for (const { runs, origin } of pruned) {
    expect(origin).toBe("random");
    expect(runs[0]!.reports.length).toBeLessThan(epochs);
    expect(runs[0]!.error).toMatch(/median/);
  }
  expect(trials[0]!.state).toBe("complete"); // the worst of all
  const best = trials.toSorted(
    (a, b) => Number(b.runs[0]!.reports[0]!.value) - Number(a.runs[0]!.reports[0]!.value),
  )[0]!;
  expect(best.state).toBe("complete");
});

test("the grid ends by itself", async () => {
  const storage = memoryStorage(
    recordOf({ tasks: ["count"], trials: undefined, sampler: "grid", space: { stride: 2 }, seeds: 1 }),
  );
  expect(await runStudy(storage, fakeWorkers({ slots: 3 }).workers)).toBe("complete");
  expect(storage.trials()).toHaveLength(9); // states 0, 2, 4
  expect(new Set(storage.trials().map(({ candidate }) => candidate.method)).size).toBe(9);
});
