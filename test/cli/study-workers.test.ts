import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { writeModel } from "../../src/graph/index.node.ts";
import { openStudyFile } from "../../src/study/index.node.ts";
import type { Run, Trial } from "../../src/study/index.ts";
import { noRedis, type RedisServer, startRedis } from "../redis/redis-server.ts";
import { tinyPreNorm } from "../support/tiny-backbone.ts";
import { graft, startGraft } from "./graft.ts";
import { graftHere } from "./in-process.ts";

const TRIALS = 6;

describe.skipIf(noRedis)(noRedis ?? "graft worker", () => {
  let folder: string;
  let server: RedisServer;
  const running: ReturnType<typeof startGraft>[] = [];
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "graft-workers-"));
    server = await startRedis();
    await writeModel((await tinyPreNorm()).graph, join(folder, "tiny.onnx"));
    const settings = [
      `model: ${join(folder, "tiny.onnx")}`,
      "tasks: [count]",
      "trainSize: 64",
      `trials: ${TRIALS}`,
      "space: { rank: 2, learningRate: [0.001, 0.01] }",
      "training: { epochs: 20, batchSize: 2, threads: 1 }",
    ];
    await writeFile(join(folder, "study.yaml"), settings.join("\n"));
    await writeFile(join(folder, "short.yaml"), settings.join("\n").replace(`trials: ${TRIALS}`, "trials: 1"));
  });
  afterEach(async () => {
    for (const process of running.splice(0)) {
      process.kill("SIGCONT");
      process.kill("SIGTERM");
      await process.finished;
    }
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const start = (...args: string[]) => {
    const process = startGraft(...args);
    running.push(process);
    return process;
  };
  const make = async (name: string, settings = "study.yaml") => {
    const file = join(folder, name);
    expect(await graftHere("study", "create", join(folder, settings), "--out", file)).toMatchObject({ code: 0 });
    return file;
  };
  const trialsOf = (file: string): readonly Trial[] => {
    const storage = openStudyFile(file);
    const trials = storage.trials();
    storage.close();
    return trials;
  };
  /** What a study found, without times, places and attempts. */
  const tableOf = (file: string) =>
    trialsOf(file).map(({ number, candidate, state, values, runs }) => ({
      ...{ number, candidate, state, values },
      runs: runs.map(({ reports, result }) => [reports, result?.measured, result?.validation, result?.bestEpoch]),
    }));
  /** Wait for a run that a worker has reported on and not ended. */
  const underWay = async (file: string, pid: number): Promise<Run> => {
    for (;;) {
      const isIt = ({ state, worker, reports }: Run) =>
        state === "running" && reports.length > 0 && worker === `${hostname()}-${pid}`;
      const run = trialsOf(file)
        .flatMap(({ runs }) => runs)
        .find(isIt);
      if (run) return run;
      await sleep(20);
    }
  };

  test("workers die, sleep and come back, the server is restarted, the owner is killed: each trial once, as in a row", async () => {
    const serial = await make("serial.db");
    expect(await graft("study", "run", serial, "--workers", "1", "--quiet")).toMatchObject({ code: 0 });
    const file = await make("queued.db");
    const run = ["study", "run", file, "--queue", server.url, "--workers", "5"];
    const owner = start(...run);
    const [killed, stopped, left] = [1, 2, 3].map(() =>
      start("worker", server.url, "--concurrency", "1", "--lease", "1"),
    );

    const lost = await underWay(file, killed!.pid);
    killed!.kill("SIGKILL");
    await underWay(file, stopped!.pid);
    stopped!.kill("SIGSTOP");
    await server.restart({ awayMilliseconds: 200 });
    await underWay(file, left!.pid);
    owner.kill("SIGKILL");
    await owner.finished;
    await sleep(1500); // longer than the lease of the one that is stopped
    stopped!.kill("SIGCONT");

    const end = await graft(...run, "--json");
    expect(end).toMatchObject({ code: 0 });
    expect(JSON.parse(end.stdout.trim().split("\n").at(-1)!)).toMatchObject({ end: "complete", complete: TRIALS });
    expect(tableOf(file)).toEqual(tableOf(serial));
    const again = trialsOf(file)[lost.trial]!.runs[0]!;
    expect(again).toMatchObject({ state: "complete", attempts: expect.any(Number) });
    expect(again.attempts).toBeGreaterThan(1);

    const redis = new Redis(server.url);
    expect(await redis.keys("bull:graft-runs:queued/*")).toEqual([]);
    redis.disconnect();
    left!.kill("SIGINT");
    expect((await left!.finished).code).toBe(0);
  }, 60_000);

  test("a worker that cannot open the model gives the run back and says what is missing; with --map another finds it", async () => {
    const file = await make("mapped.db", "short.yaml");
    const model = join(folder, "tiny.onnx");
    const elsewhere = await mkdtemp(join(tmpdir(), "graft-elsewhere-"));
    await writeFile(join(elsewhere, "none"), "");
    const owner = start("study", "run", file, "--queue", server.url, "--json");
    const lost = await graft("worker", server.url, "--concurrency", "1", "--map", `${folder}=${elsewhere}`);
    expect(lost).toMatchObject({ code: 2 });
    expect(lost.stderr).toContain(join(elsewhere, "tiny.onnx"));
    expect(lost.stderr).not.toContain(model);
    start("worker", server.url, "--map", `${folder}=${folder}`);
    expect((await owner.finished).code).toBe(0);
    expect(trialsOf(file).every(({ state }) => state === "complete")).toBe(true);
    await rm(elsewhere, { recursive: true });
  }, 60_000);
});

test("an address and a map that are none are refused", async () => {
  const address = await graftHere("worker", "localhost");
  expect(address).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining("redis://HOST:6379") });
  const map = await graftHere("worker", "redis://localhost", "--map", "/data");
  expect(map).toMatchObject({ code: 2, stderr: expect.stringContaining("--map THEIRS=OURS") });
});
