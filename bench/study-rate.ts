/**
 * How fast studies go. `npx tsx bench/study-rate.ts` measures what this run (`--run`, default today) lacks, appends it to
 * docs/data/study-rate.jsonl and prints it; `--parts peers,workers,queue,overhead` chooses. A quiet machine, please.
 *
 * peers: trainings an hour of the embedded model on all cores, ours and PyTorch's (bench/peers/step/study.py), one process with
 * one thread for each core on both sides, the sides taking turns. workers: ours with 1, 2 and 4 processes. queue: jobs a second
 * through a real Redis server, owner and worker in one process. overhead: what file, owner and queue add to a trial.
 */
import { spawn } from "node:child_process";
import { setMaxListeners } from "node:events";
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { mean, median, random } from "../src/base/index.ts";
import { runStudy } from "../src/study/run-study.ts";
import { StudySettings } from "../src/study/settings.ts";
import { createStudyFile, openStudyFile } from "../src/study/storage/sqlite.node.ts";
import { serveQueue } from "../src/study/workers/queue-serve.node.ts";
import { queueWorkers } from "../src/study/workers/queue-workers.node.ts";
import type { RunRequest, Workers } from "../src/study/workers/workers.ts";
import { startRedis } from "../test/redis/redis-server.ts";
import { fakeWorkers, request } from "../test/redis/requests.ts";
import { PYTHON } from "./side.ts";
import { writeStudyFiles } from "./study-files.ts";
import { openPool, requestsOf } from "./study-pool.ts";

const DATA = "docs/data/study-rate.jsonl";
const CORES = cpus().length;

const { values } = parseArgs({
  options: {
    run: { type: "string", default: new Date().toISOString().slice(0, 10) },
    parts: { type: "string", default: "queue,overhead,peers,workers" },
    task: { type: "string", default: "location" },
    "train-size": { type: "string", default: "4000" },
    "measure-size": { type: "string", default: "2000" },
    epochs: { type: "string", default: "4" },
    rounds: { type: "string", default: "3" },
    jobs: { type: "string", default: "2000" },
    out: { type: "string", default: DATA },
  },
});
const [trainSize, measureSize, epochs, rounds, jobs] = [
  values["train-size"],
  values["measure-size"],
  values.epochs,
  values.rounds,
  values.jobs,
].map(Number) as [number, number, number, number, number];

/** Draws of one edge of all 625, rank 32: what `graft paper edges` trains. */
const TRIALS_A_ROUND = 2 * CORES;
const draw = random(1);
const edges = Array.from({ length: TRIALS_A_ROUND * rounds }, () => ({
  from: draw.int(25),
  to: draw.int(25),
  rank: 32,
}));
const methods = edges.map(({ from, to, rank }) => `${from}-${to}@r${rank}`);

const parts = { queue: measureQueue, overhead: measureOverhead, peers: measurePeers, workers: measureWorkers };

for (const part of values.parts.split(",") as (keyof typeof parts)[]) {
  if (isKnown(part)) continue;
  const line = {
    run: values.run,
    date: new Date().toISOString(),
    machine: `${CORES} × ${cpus()[0]?.model}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    node: process.version,
    part,
    ...(await parts[part]()),
  };
  appendFileSync(values.out, `${JSON.stringify(line)}\n`);
  console.log(JSON.stringify(line, undefined, 1));
}

function isKnown(part: string): boolean {
  if (!existsSync(values.out)) return false;
  const lines = readFileSync(values.out, "utf8").split("\n").filter(Boolean);
  return lines.map((line) => JSON.parse(line)).some((line) => line.run === values.run && line.part === part);
}

/** The sides take turns, another one first in each round; a round is the same trials for both. */
async function measurePeers() {
  const asked = await requestsOf({ task: values.task, trainSize, measureSize, epochs }, methods);
  const folder = await writeStudyFiles({ task: values.task, trainSize, measureSize });
  const pool = openPool(CORES);
  const peers = await Promise.all(Array.from({ length: CORES }, () => openPeer(folder)));
  const hours: Record<"graft" | "torch", number[]> = { graft: [], torch: [] };
  const measured: Record<"graft" | "torch", number[]> = { graft: [], torch: [] };
  const sides = {
    async graft(trials: readonly number[]) {
      const results = await allOf(
        pool,
        trials.map((k) => asked[k]!),
      );
      measured.graft.push(...results.map(({ measured: { value } }) => value));
    },
    async torch(trials: readonly number[]) {
      const shares = peers.map((peer, k) => peer.train(trials.filter((_, at) => at % CORES === k)));
      measured.torch.push(...(await Promise.all(shares)).flat());
    },
  };
  // Neither side's first training counts: it starts processes, opens the model and the data, and fits the head.
  for (const side of [sides.graft, sides.torch]) await side(Array.from({ length: CORES }, (_, k) => k));
  for (const list of Object.values(measured)) list.length = 0;
  for (let round = 0; round < rounds; round++) {
    const trials = Array.from({ length: TRIALS_A_ROUND }, (_, k) => round * TRIALS_A_ROUND + k);
    for (const side of round % 2 === 0 ? (["graft", "torch"] as const) : (["torch", "graft"] as const)) {
      const begun = performance.now();
      await sides[side](trials);
      hours[side].push((TRIALS_A_ROUND / (performance.now() - begun)) * 3_600_000);
    }
  }
  for (const peer of peers) peer.close();
  await pool.close();
  const rates = { graft: median(hours.graft), torch: median(hours.torch) };
  return {
    task: values.task,
    trainSize,
    measureSize,
    epochs,
    trainingsAnHour: rates,
    ratio: rates.graft / rates.torch,
    rounds: hours,
    /** Of the same trials: the same work must come to about the same. */
    meanMeasured: { graft: mean(measured.graft), torch: mean(measured.torch) },
  };
}

async function measureWorkers() {
  const asked = await requestsOf({ task: values.task, trainSize, measureSize, epochs }, methods);
  const rates: Record<number, number[]> = { 1: [], 2: [], 4: [] };
  const pools = new Map([1, 2, 4].map((slots) => [slots, openPool(slots)]));
  for (const [slots, pool] of pools) await allOf(pool, asked.slice(0, slots)); // warm
  for (let round = 0; round < rounds; round++)
    for (const [slots, pool] of pools) {
      const mine = asked.slice(round * TRIALS_A_ROUND, (round + 1) * TRIALS_A_ROUND);
      const begun = performance.now();
      await allOf(pool, mine);
      rates[slots]!.push((mine.length / (performance.now() - begun)) * 3_600_000);
    }
  for (const pool of pools.values()) await pool.close();
  const medians = Object.entries(rates).map(([slots, list]) => [slots, median(list)]);
  return {
    task: values.task,
    trainSize,
    measureSize,
    epochs,
    trainingsAnHour: Object.fromEntries(medians),
    rounds: rates,
  };
}

async function measureQueue() {
  return onQueue(async (workers) => {
    const asked = Array.from({ length: jobs }, (_, trial) => request(trial));
    await allOf(workers, asked.slice(0, 100));
    const begun = performance.now();
    await allOf(workers, asked.slice(100));
    const seconds = (performance.now() - begun) / 1000;
    return { jobs: jobs - 100, reportsAJob: 4, jobsASecond: (jobs - 100) / seconds };
  });
}

/** A study whose trainings take no time: what is left is the file, the owner and the way to the workers. */
async function measureOverhead() {
  const trials = 300;
  const alone = await millisecondsATrial(instant(), trials);
  const queue = await onQueue((workers) => millisecondsATrial(workers, trials));
  return { trials, millisecondsATrial: { "file and owner": alone, "with the queue": queue } };
}

async function millisecondsATrial(workers: Workers, trials: number): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "graft-rate-"));
  const file = join(folder, "study.db");
  createStudyFile(file, {
    name: "rate",
    settings: StudySettings.parse({ tasks: ["count"], sampler: "random", trials, space: { count: 24 } }),
    backbone: { name: "vit", hash: "b", states: 25 },
    data: { count: ["d"] },
    metrics: { count: "accuracy" },
    createdAt: 0,
  });
  const storage = openStudyFile(file, { owner: true });
  const begun = performance.now();
  // One at a time: what one trial waits for, not what many share.
  await runStudy(storage, { ...workers, slots: 1 });
  const each = (performance.now() - begun) / trials;
  storage.close();
  rmSync(folder, { recursive: true });
  return each;
}

function instant(): Workers {
  return fakeWorkers({ slots: 8, epochMilliseconds: 0 });
}

async function onQueue<T>(measure: (workers: Workers) => Promise<T>): Promise<T> {
  const server = await startRedis();
  const ended = new AbortController();
  const workers = await queueWorkers({ url: server.url, slots: 32 });
  const served = serveQueue({ url: server.url, workers: instant(), signal: ended.signal });
  try {
    return await measure(workers);
  } finally {
    await workers.close();
    ended.abort();
    await served;
    await server.stop();
  }
}

/** As many at once as there are slots, as the owner of a study has them. */
async function allOf(workers: Workers, asked: readonly RunRequest[]) {
  const { signal } = new AbortController();
  setMaxListeners(0, signal);
  const waiting = [...asked.entries()];
  const results = Array.from(asked, () => undefined as Awaited<ReturnType<Workers["run"]>> | undefined);
  const slot = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift())
      results[next[0]] = await workers.run(next[1], { signal, onStart: () => {}, onReport: () => {}, onLog: () => {} });
  };
  await Promise.all(Array.from({ length: workers.slots }, slot));
  return results.map((result) => result!);
}

/** A process of PyTorch, one thread. */
async function openPeer(folder: string) {
  const spec = { folder, threads: 1, batch: 32, epochs, warmup: 0.05, decay: 1e-3, rate: 5e-3, headRate: 2e-3 };
  const text = JSON.stringify({ ...spec, trials: edges.map((edge) => [edge]) });
  const child = spawn(PYTHON, ["bench/peers/step/study.py", text], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, OMP_NUM_THREADS: "1", MKL_NUM_THREADS: "1" },
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => JSON.parse((await lines.next()).value ?? '{"done":true}');
  await next();
  return {
    async train(trials: readonly number[]): Promise<number[]> {
      child.stdin.write(`${JSON.stringify(trials)}\n`);
      const measured: number[] = [];
      for (let line = await next(); !line.done; line = await next()) measured.push(line.measured);
      if (measured.length < trials.length) throw new Error("PyTorch's side ended");
      return measured;
    },
    close: () => child.kill(),
  };
}
