import type { Job, Queue } from "bullmq";
import { withFigures } from "../figures.ts";
import type { RunResult } from "../trial.ts";
import { type ConnectOptions, connectQueue, FAREWELL_MILLISECONDS, within } from "./queue-connection.node.ts";
import {
  failureOf,
  type JobData,
  type JobProgress,
  jobIdOf,
  jobPrefixOf,
  QUEUE,
  WITHDRAWN,
  withAbsolutePaths,
} from "./queue-job.node.ts";
import type { RunCall, RunRequest, Workers } from "./workers.ts";

export interface QueueWorkersOptions extends ConnectOptions {
  /** Runs held ready for whoever comes; default 32. */
  readonly slots?: number;
  /** Name of the queue on the server; default `graft-runs`. Workers must say the same. */
  readonly queue?: string;
  /** How often a job is looked at although no event came: events are lost while the server or the owner is away. Default 5. */
  readonly pollSeconds?: number;
}

type RunJob = Job<JobData, RunResult, string, JobProgress>;

/** Jobs that nobody asks for again go after two weeks, when others end. */
const KEEP = { age: 14 * 24 * 3600 };

/**
 * Workers that come to a queue (BullMQ on Redis) from wherever they are: `graft worker URL`. They outlive the owner of a
 * study: `run` called again finds what is under way or done. A worker that stops renewing its lease has died; how often
 * a run is begun again is the owner's to count.
 */
export async function queueWorkers(options: QueueWorkersOptions): Promise<Workers> {
  const { slots = 32, queue: name = QUEUE, pollSeconds = 5 } = options;
  const { Queue, QueueEvents } = await import("bullmq"); // only who has a queue waits for it
  const connection = await connectQueue(options);
  const queue = new Queue<JobData, RunResult, string>(name, { connection: connection.open() });
  const events = new QueueEvents(name, { connection: connection.open() });
  // Connections tell of their errors themselves, once; without these listeners each would end the process.
  queue.on("error", () => {});
  events.on("error", () => {});
  const wakers = new Map<string, () => void>();
  for (const event of ["completed", "failed", "progress", "removed"] as const)
    events.on(event, ({ jobId }: { jobId: string }) => wakers.get(jobId)?.());
  const prefixes = new Set<string>();

  async function run(request: RunRequest, call: RunCall): Promise<RunResult> {
    const { signal } = call;
    signal.throwIfAborted();
    prefixes.add(jobPrefixOf(request));
    const id = jobIdOf(request);
    const tell = teller(call);
    const add = () =>
      queue.add(
        request.task,
        { request: withAbsolutePaths(request) },
        { jobId: id, removeOnComplete: KEEP, removeOnFail: KEEP, stackTraceLimit: 1 },
      );
    const look = async (): Promise<RunResult | undefined> => {
      const job = (await queue.getJob(id)) as RunJob | undefined;
      if (job === undefined) {
        await add(); // also where the server lost it
        return undefined;
      }
      tell(job.progress);
      if (job.finishedOn === undefined) {
        if (job.data.isWithdrawn) await job.updateData({ request: job.data.request });
        return undefined;
      }
      if (!job.failedReason) {
        forgetSoon(job);
        return withFigures(job.returnvalue);
      }
      const failure = failureOf(job.failedReason, request, workerOf(job));
      if (failure.code === WITHDRAWN) {
        await job.remove(); // of an earlier call
        return look();
      }
      if (failure.code === "WORKER_DIED") await job.remove();
      else forgetSoon(job);
      throw failure;
    };

    const waker = bell();
    wakers.set(id, waker.ring);
    try {
      for (;;) {
        const result = await unlessAborted(look(), signal);
        if (result !== undefined) return result;
        await unlessAborted(waker.wait(pollSeconds * 1000), signal);
      }
    } catch (error) {
      if (signal.aborted) await within(FAREWELL_MILLISECONDS, withdraw(id));
      throw error;
    } finally {
      wakers.delete(id);
    }
  }

  /** A job that waits goes; of one under way the worker learns by its data. */
  async function withdraw(id: string): Promise<void> {
    const job = await queue.getJob(id);
    if (job === undefined || job.finishedOn !== undefined) return;
    await job.remove().catch(() => job.updateData({ ...job.data, isWithdrawn: true }).catch(() => {}));
  }

  /** When the owner, whose turn comes first, has written down what it got: else it would be trained again. */
  const forgetSoon = (job: RunJob) => setImmediate(() => job.remove().catch(() => {}));

  return {
    slots,
    run,
    async close() {
      const farewell = forgetStudies(queue, prefixes).then(() => Promise.all([events.close(), queue.close()]));
      await within(FAREWELL_MILLISECONDS, farewell);
      connection.close();
    },
  };
}

/** Jobs left by earlier owners of these studies. */
async function forgetStudies(queue: Queue<JobData, RunResult, string>, prefixes: ReadonlySet<string>): Promise<void> {
  if (prefixes.size === 0) return;
  const jobs = await queue.getJobs(["wait", "completed", "failed"]);
  const theirs = jobs.filter((job) => [...prefixes].some((prefix) => job?.id?.startsWith(prefix)));
  await Promise.allSettled(theirs.map((job) => job.remove()));
}

/** Pass on what is new: the worker's name when it changes, reports by epoch and lines by their number. */
function teller({ onStart, onReport, onLog }: RunCall): (progress: unknown) => void {
  let worker: string | undefined;
  let epoch = 0;
  let lines = 0;
  return (progress) => {
    if (!isProgress(progress)) return;
    if (worker !== progress.worker) {
      worker = progress.worker;
      onStart(worker);
    }
    for (const report of withFigures(progress.reports).filter((each) => each.epoch > epoch)) {
      epoch = report.epoch;
      onReport(report);
    }
    for (const line of progress.log.slice(lines)) onLog(line);
    lines = Math.max(lines, progress.log.length);
  };
}

/** A job that has not begun has the progress 0. */
const isProgress = (progress: unknown): progress is JobProgress =>
  typeof progress === "object" && progress !== null && "worker" in progress;

const workerOf = (job: RunJob): string | undefined => (isProgress(job.progress) ? job.progress.worker : undefined);

/** Wait for a ring or for a time; a ring that came before is heard. */
function bell() {
  let hasRung = false;
  let wake: (() => void) | undefined;
  return {
    ring() {
      hasRung = true;
      wake?.();
    },
    async wait(milliseconds: number): Promise<void> {
      if (!hasRung) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, milliseconds);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      hasRung = false;
    },
  };
}

/** A server that is away answers no command: an end asked for does not wait for it. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
