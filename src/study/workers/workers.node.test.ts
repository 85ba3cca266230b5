import { fork } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fakeTrainer, madeUpResult } from "../../../test/support/fake-trainer.ts";
import type { RunReport } from "../trial.ts";
import { poolWorkers } from "./pool.node.ts";
import { serialWorkers } from "./serial.ts";
import type { RunRequest, Workers } from "./workers.ts";

const request = (method: string, seed = 0): RunRequest => ({
  study: "s",
  createdAt: 1,
  task: "count",
  trial: 0,
  seed,
  candidate: { method },
  model: { model: "m" },
  measureSize: 0,
  training: {},
  measuresLatency: false,
  backboneHash: "a",
  dataHash: "b",
});

const pool = () =>
  poolWorkers({
    slots: 2,
    fork: () => fork("test/support/pool-child.ts", [], { execArgv: ["--import", "tsx"], serialization: "advanced" }),
  });

function call(signal = new AbortController().signal) {
  const heard = { started: [] as string[], reports: [] as RunReport[], log: [] as string[] };
  return {
    heard,
    call: {
      signal,
      onStart: (worker: string) => void heard.started.push(worker),
      onReport: (report: RunReport) => void heard.reports.push(report),
      onLog: (line: string) => void heard.log.push(line),
    },
  };
}

/** The queue's workers pass the same tests in test/redis, where there is a server. */
describe.each([
  ["serial", () => serialWorkers(fakeTrainer())],
  ["pool", pool],
])("%s workers", (_, open) => {
  let workers: Workers;
  beforeAll(() => {
    workers = open();
  });
  afterAll(() => workers.close());

  test("a run is begun once, reports in order, and gives its result", async () => {
    const one = call();
    expect(await workers.run(request("1-2@r8", 3), one.call)).toEqual(madeUpResult(request("1-2@r8", 3)));
    expect(one.heard.started).toHaveLength(1);
    expect(one.heard.reports.map(({ epoch }) => epoch)).toEqual([1, 2]);
    expect(one.heard.log).toEqual(["trains 1-2@r8"]);
  });

  test("as many runs as there are slots go on at once, each with its own reports", async () => {
    const runs = Array.from({ length: workers.slots }, (_, k) => ({ wanted: request(`${k}-${k}@r8`, k), ...call() }));
    const results = await Promise.all(runs.map(({ wanted, call: own }) => workers.run(wanted, own)));
    expect(results).toEqual(runs.map(({ wanted }) => madeUpResult(wanted)));
    for (const { wanted, heard } of runs) expect(heard.log).toEqual([`trains ${wanted.candidate.method}`]);
  });

  test("what a training throws arrives whole, and the worker goes on", async () => {
    await expect(workers.run(request("fails"), call().call)).rejects.toMatchObject({
      code: "LOSS_NOT_FINITE",
      thing: "loss",
      place: "step 1",
    });
    await expect(workers.run(request("throws"), call().call)).rejects.toThrow(/a mistake/);
    expect(await workers.run(request("none"), call().call)).toEqual(madeUpResult(request("none")));
  });

  test("an aborted run ends with the reason, before and after it began", async () => {
    const reason = new Error("pruned");
    await expect(workers.run(request("none"), call(AbortSignal.abort(reason)).call)).rejects.toBe(reason);
    const controller = new AbortController();
    const one = call(controller.signal);
    const run = workers.run(request("hangs"), { ...one.call, onReport: () => controller.abort(reason) });
    await expect(run).rejects.toSatisfy((error: Error) => error === reason || error.name === "AbortError");
    expect(await workers.run(request("none"), call().call)).toEqual(madeUpResult(request("none")));
  });
});

test("a process of the pool gets the tasks and seeds it is prepared for", async () => {
  const workers = pool();
  const seed = (number: number) => ({ ...request("none"), seed: number });
  const processOf = async (number: number) => {
    let name = "";
    await workers.run(seed(number), { ...call().call, onStart: (worker) => (name = worker) });
    return name;
  };
  try {
    expect(workers.choose!([seed(0), seed(1)])).toBe(0);
    const [first, second] = await Promise.all([processOf(0), processOf(1)]);
    expect(first).not.toBe(second);
    expect([await processOf(1), await processOf(0), await processOf(1)]).toEqual([second, first, second]);
    const busy = workers.run(seed(0), call().call);
    // One is busy with 0: the other goes on with 1, or begins what nobody knows.
    expect(workers.choose!([seed(0), seed(2), seed(1)])).toBe(2);
    expect(workers.choose!([seed(0), seed(2)])).toBe(1);
    expect(workers.choose!([seed(0)])).toBe(0);
    await busy;
  } finally {
    await workers.close();
  }
});

test("a process of the pool that dies takes its run with it, and no other", async () => {
  const workers = pool();
  try {
    const beside = workers.run(request("1-2@r8"), call().call);
    await expect(workers.run(request("dies"), call().call)).rejects.toMatchObject({ code: "WORKER_DIED" });
    // Aborting a run whose process is dying must not end this one.
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error("pruned")), 20);
    await workers.run(request("dies"), call(controller.signal).call).catch(() => {});
    expect(await beside).toEqual(madeUpResult(request("1-2@r8")));
    expect(await workers.run(request("none"), call().call)).toEqual(madeUpResult(request("none")));
  } finally {
    await workers.close();
  }
});
