import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { RunReport } from "../../src/study/trial.ts";
import { jobIdOf } from "../../src/study/workers/queue-job.node.ts";
import { type ServeQueueOptions, serveQueue } from "../../src/study/workers/queue-serve.node.ts";
import { type QueueWorkersOptions, queueWorkers } from "../../src/study/workers/queue-workers.node.ts";
import type { RunCall, Workers } from "../../src/study/workers/workers.ts";
import { noRedis, type RedisServer, startRedis } from "./redis-server.ts";
import { fakeWorkers, reportsOf, request, resultOf } from "./requests.ts";

/** A call that writes down what it is told. */
function call(signal = new AbortController().signal) {
  const told = { workers: [] as string[], reports: [] as RunReport[], log: [] as string[] };
  const heard: RunCall = {
    signal,
    onStart: (worker) => told.workers.push(worker),
    onReport: (report) => told.reports.push(report),
    onLog: (line) => told.log.push(line),
  };
  return { ...heard, told };
}

describe.skipIf(noRedis)(noRedis ?? "a queue on a real server", () => {
  let server: RedisServer;
  let queue: string;
  let count = 0;
  const closers: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());
  beforeEach(() => {
    queue = `test-${++count}`; // of its own, on the one server
  });
  afterEach(async () => {
    while (closers.length > 0) await closers.pop()!();
  });

  async function owner(options: Partial<QueueWorkersOptions> = {}): Promise<Workers> {
    const workers = await queueWorkers({ url: server.url, queue, pollSeconds: 0.2, ...options });
    closers.push(() => workers.close());
    return workers;
  }
  function serve(workers: Workers, options: Partial<ServeQueueOptions> = {}) {
    const controller = new AbortController();
    const { signal } = controller;
    const served = serveQueue({ url: server.url, queue, workers, signal, leaseSeconds: 1, name: "one", ...options });
    const outcome = served.then(
      () => undefined,
      (error) => error,
    );
    const end = () => {
      controller.abort();
      return outcome;
    };
    closers.push(end);
    return { outcome, end };
  }
  /** What is on the server, by state. */
  async function jobs() {
    const connection = new Redis(server.url, { maxRetriesPerRequest: null });
    const look = new Queue(queue, { connection });
    const { waiting, active, completed, failed } = await look.getJobCounts();
    await look.close();
    connection.disconnect();
    return { waiting, active, completed, failed };
  }

  test("a run gives its result, and what it told on the way", async () => {
    const workers = await owner();
    serve(fakeWorkers());
    const mine = call();
    expect(await workers.run(request(1), mine)).toEqual(resultOf(request(1)));
    expect(mine.told).toEqual({
      workers: ["one"],
      reports: reportsOf(request(1)),
      log: ["epoch 1", "epoch 2", "epoch 3", "epoch 4"],
    });
    await vi.waitFor(async () => expect(await jobs()).toEqual({ waiting: 0, active: 0, completed: 0, failed: 0 }));
  });

  test("a metric that is no number stays none on its way through the queue", async () => {
    const none = { value: Number.NaN, loss: Number.NaN };
    const result = { ...resultOf(request(1)), measured: none };
    const workers = await owner();
    serve({
      ...fakeWorkers(),
      async run(_, { onStart, onReport }) {
        onStart("fake");
        onReport({ epoch: 1, ...none });
        return result;
      },
    });
    const mine = call();
    expect(await workers.run(request(1), mine)).toEqual(result);
    expect(mine.told.reports).toEqual([{ epoch: 1, ...none }]);
  });

  test("an error of the training comes whole, and the run is not begun again", async () => {
    const workers = await owner();
    const training = fakeWorkers();
    serve(training);
    const bad = request(2, { candidate: { method: "bad" } });
    await expect(workers.run(bad, call())).rejects.toMatchObject({ code: "BAD_METHOD", remedy: "Take a good one" });
    expect(training.begun).toHaveLength(1);
  });

  test("an owner that comes back takes the results of what was done and under way, and trains nothing twice", async () => {
    const program = fileURLToPath(new URL("owner-process.ts", import.meta.url));
    const first = spawn(process.execPath, ["--import", "tsx", program, server.url, queue, "4"], { stdio: "inherit" });
    await vi.waitFor(async () => expect((await jobs()).waiting).toBe(4), { timeout: 20_000 });
    first.kill("SIGKILL");
    await once(first, "exit");
    const training = fakeWorkers({ slots: 2, epochMilliseconds: 40 });
    const asked = [0, 1, 2, 3].map((trial) => request(trial));
    serve(training);
    await vi.waitFor(() => expect(training.begun.length).toBeGreaterThan(2)); // two are done
    const second = await owner();
    const again = asked.map((each) => ({ each, mine: call() }));
    const results = await Promise.all(again.map(({ each, mine }) => second.run(each, mine)));
    expect(results).toEqual(asked.map(resultOf));
    expect(again.map(({ mine }) => mine.told.reports)).toEqual(asked.map(reportsOf));
    expect(training.begun.map(({ trial }) => trial).sort()).toEqual([0, 1, 2, 3]);
  });

  test("a pruned run ends at its worker, whose slot is free for the next; one that waits goes", async () => {
    const workers = await owner();
    const training = fakeWorkers({ epochMilliseconds: 60_000 });
    serve(training);
    const pruner = new AbortController();
    const runs = [0, 1].map((trial) => workers.run(request(trial), call(pruner.signal)));
    await vi.waitFor(() => expect(training.begun).toHaveLength(1));
    pruner.abort(new Error("pruned"));
    expect(await Promise.allSettled(runs)).toEqual(
      runs.map(() => ({ status: "rejected", reason: new Error("pruned") })),
    );
    await vi.waitFor(async () => expect(await jobs()).toEqual({ waiting: 0, active: 0, completed: 0, failed: 0 }), {
      timeout: 5000,
    });
    expect(training.begun).toHaveLength(1);
  });

  test("what an owner took back can be asked for again", async () => {
    const workers = await owner();
    serve(fakeWorkers({ epochMilliseconds: 250 }));
    const controller = new AbortController();
    const mine = call(controller.signal);
    const run = workers.run(request(5), mine);
    await vi.waitFor(() => expect(mine.told.workers).toEqual(["one"]));
    controller.abort(new Error("interrupted"));
    await expect(run).rejects.toThrow("interrupted");
    expect(await workers.run(request(5), call())).toEqual(resultOf(request(5)));
  });

  test("a worker that ends gives its runs back, and another does them", async () => {
    const workers = await owner();
    const slow = fakeWorkers({ epochMilliseconds: 60_000 });
    const { end } = serve(slow, { name: "slow" });
    const mine = call();
    const run = workers.run(request(3), mine);
    await vi.waitFor(() => expect(mine.told.workers).toEqual(["slow"]));
    expect(await end()).toBeUndefined();
    expect(await jobs()).toEqual({ waiting: 1, active: 0, completed: 0, failed: 0 });
    serve(fakeWorkers(), { name: "quick" });
    expect(await run).toEqual(resultOf(request(3)));
    expect(mine.told.workers).toEqual(["slow", "quick"]);
    expect(mine.told.reports).toEqual(reportsOf(request(3)));
  });

  test("a worker whose files differ gives the run back and ends with the reason; another does it", async () => {
    const workers = await owner();
    const differs = { code: "DATA_DIFFERS" };
    const unfit: Workers = {
      ...fakeWorkers(),
      run: async () => {
        const { GraftError } = await import("../../src/base/index.ts");
        throw new GraftError("DATA_DIFFERS", { thing: "data", place: "hash d1 here, d2 there", remedy: "Copy it" });
      },
    };
    const { outcome } = serve(unfit, { name: "unfit" });
    const run = workers.run(request(4), call());
    expect(await outcome).toMatchObject(differs);
    serve(fakeWorkers(), { name: "fit" });
    expect(await run).toEqual(resultOf(request(4)));
  });

  test("a worker that lets its lease run out has died for the owner; its late result is dropped", async () => {
    const workers = await owner();
    const late = fakeWorkers({ epochMilliseconds: 60_000 });
    const { end } = serve(late, { name: "late" });
    const run = workers.run(request(6), call());
    await vi.waitFor(() => expect(late.begun).toHaveLength(1));
    const redis = new Redis(server.url);
    // As if time had stood still for the worker: its lease is gone.
    await redis.del(`bull:${queue}:${jobIdOf(request(6))}:lock`);
    redis.disconnect();
    serve(fakeWorkers(), { name: "alive", leaseSeconds: 0.4 });
    await expect(run).rejects.toMatchObject({ code: "WORKER_DIED", place: expect.stringContaining("late") });
    await end();
    expect(await workers.run(request(6), call())).toEqual(resultOf(request(6)));
  });

  test("owner and worker outlast a server that is away for a while", async () => {
    const notes: string[] = [];
    const workers = await owner({ note: (text) => notes.push(text) });
    serve(fakeWorkers({ slots: 2, epochMilliseconds: 50 }), { leaseSeconds: 30 });
    const asked = [0, 1, 2, 3, 4, 5].map((trial) => request(trial));
    const done: number[] = [];
    const runs = asked.map(async (each) => {
      const result = await workers.run(each, call());
      done.push(each.trial);
      return result;
    });
    await vi.waitFor(() => expect(done).toHaveLength(2));
    await server.restart({ awayMilliseconds: 400 });
    expect(await Promise.all(runs)).toEqual(asked.map(resultOf));
    expect(notes.at(0)).toMatch(/is away \(.*\); waiting for it/);
    expect(notes.at(-1)).toMatch(/is back$/);
  });

  test("an end does not wait for a server that is away", async () => {
    const own = await startRedis();
    const workers = await queueWorkers({ url: own.url, queue });
    const controller = new AbortController();
    const run = workers.run(request(0), call(controller.signal));
    await sleep(50);
    await own.stop();
    const start = Date.now();
    controller.abort(new Error("enough"));
    await expect(run).rejects.toThrow("enough");
    await workers.close();
    expect(Date.now() - start).toBeLessThan(8000);
  });
});

describe("an address that is of no use", () => {
  const open = (url: string) => queueWorkers({ url, patienceSeconds: 0 });
  test.each(["localhost", "http://localhost:6379", "redis://"])("%s is refused", async (url) => {
    await expect(open(url)).rejects.toMatchObject({ code: "QUEUE_URL" });
  });
  test("where nothing answers, the message says so without the password", async () => {
    const error: Error = await open("redis://ada:secret@127.0.0.1:1").then(
      () => new Error("none"),
      (thrown) => thrown,
    );
    expect(error).toMatchObject({ code: "QUEUE_UNREACHABLE" });
    expect(error.message).toContain("redis://127.0.0.1:1");
    expect(error.message).not.toContain("secret");
  });
});
