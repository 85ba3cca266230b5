import { hostname } from "node:os";
import type { Job } from "bullmq";
import { GraftError } from "../../base/index.ts";
import type { RunReport, RunResult } from "../trial.ts";
import { type ConnectOptions, connectQueue, FAREWELL_MILLISECONDS, within } from "./queue-connection.node.ts";
import {
  failureText,
  type JobData,
  type JobProgress,
  type PathPrefix,
  QUEUE,
  WITHDRAWN,
  withMappedPaths,
} from "./queue-job.node.ts";
import { asGraftError } from "./training-error.ts";
import { type RunRequest, UNFIT_HOST, type Workers } from "./workers.ts";

export interface ServeQueueOptions extends ConnectOptions {
  /** Who trains, in processes of their own: leases are renewed here while a session blocks there. Not closed. */
  readonly workers: Workers;
  /** Ends the work: runs under way go back to the queue. */
  readonly signal: AbortSignal;
  /** Default `graft-runs`. */
  readonly queue?: string;
  /** What a study's log calls this worker; default host and process id. */
  readonly name?: string;
  /** Where folders of the owner's host lie here. */
  readonly maps?: readonly PathPrefix[];
  /** How long a worker may be silent before its runs are given to others; default 30. */
  readonly leaseSeconds?: number;
  readonly onDone?: (request: RunRequest, outcome: RunResult | GraftError) => void;
}

/** The owner's wish to end a run is seen so soon, however long an epoch takes. */
const LOOK_MILLISECONDS = 2000;

/**
 * Take runs from the queue until the signal ends that. Whatever becomes of a job meanwhile (its lease ran out, another
 * did it, it is gone), its late result is dropped.
 * @throws GraftError what makes this host unfit, after the run went back: a backbone or data that are missing here or
 *         differ from the owner's
 */
export async function serveQueue(options: ServeQueueOptions): Promise<void> {
  const { workers, signal, note, queue: name = QUEUE, maps = [], leaseSeconds = 30, onDone } = options;
  const { name: ownName = `${hostname()}-${process.pid}` } = options;
  const { Queue, WaitingError, Worker } = await import("bullmq");
  const connection = await connectQueue(options);
  const ended = new AbortController();
  let unfit: GraftError | undefined;

  async function train(job: QueuedRun, token?: string, lost?: AbortSignal): Promise<RunResult> {
    const request = withMappedPaths(job.data.request, maps);
    const withdrawn = new AbortController();
    const looking = setInterval(async () => {
      const now = await jobs.getJob(job.id!).catch(() => job);
      if (now === undefined || now.data.isWithdrawn) withdrawn.abort();
    }, LOOK_MILLISECONDS);
    const telling = teller(job, ownName);
    try {
      const result = await workers.run(request, {
        signal: AbortSignal.any([ended.signal, withdrawn.signal, lost!]),
        onStart: () => telling.tell({}),
        onReport: (report) => telling.tell({ report }),
        onLog: (line) => telling.tell({ line }),
      });
      await telling.told();
      onDone?.(request, result);
      return result;
    } catch (thrown) {
      const error = asGraftError(thrown);
      if (UNFIT_HOST.has(error.code)) {
        unfit ??= error;
        ended.abort();
      }
      if (ended.signal.aborted) {
        await job.moveToWait(token);
        throw new WaitingError();
      }
      const failure = withdrawn.signal.aborted ? withdrawnRun(request) : error;
      onDone?.(request, failure);
      throw new Error(failureText(failure));
    } finally {
      clearInterval(looking);
    }
  }

  const jobs = new Queue<JobData, RunResult, string>(name, { connection: connection.open() });
  const worker = new Worker<JobData, RunResult, string>(name, train, {
    connection: connection.open(),
    name: ownName,
    concurrency: workers.slots,
    lockDuration: leaseSeconds * 1000,
    stalledInterval: (leaseSeconds * 1000) / 2,
    maxStalledCount: 0, // the owner counts how often a run is begun, and asks for it again
    runRetryDelay: 1000,
  });
  jobs.on("error", () => {});
  worker.on("error", (error) => {
    if (!isExpected(error)) note?.(`queue: ${error.message}`);
  });
  worker.on("lockRenewalFailed", (ids) => {
    for (const id of ids) worker.cancelJob(id);
    note?.(`the lease of ${ids.length} runs ran out: they are others' now`);
  });
  worker.on("failed", (job, error) => {
    if (error.message.includes(WITHDRAWN)) job?.remove().catch(() => {});
  });

  const end = () => ended.abort();
  signal.addEventListener("abort", end);
  if (signal.aborted) end();
  try {
    await new Promise<void>((resolve) => {
      if (ended.signal.aborted) resolve();
      ended.signal.addEventListener("abort", () => resolve());
    });
    const farewell = worker.close().then(() => jobs.close());
    await within(FAREWELL_MILLISECONDS, farewell);
  } finally {
    signal.removeEventListener("abort", end);
    connection.close();
  }
  if (unfit) throw unfit;
}

type QueuedRun = Job<JobData, RunResult, string>;

/** Tells all there is so far, one after the other; a job that is gone hears nothing. */
function teller(job: QueuedRun, worker: string) {
  const reports: RunReport[] = [];
  const log: string[] = [];
  let last: Promise<void> = Promise.resolve();
  return {
    tell({ report, line }: { readonly report?: RunReport; readonly line?: string }): void {
      if (report) reports.push(report);
      if (line !== undefined) log.push(line);
      const progress: JobProgress = { worker, reports: [...reports], log: [...log] };
      last = last.then(() => job.updateProgress(progress)).catch(() => {});
    },
    told: () => last,
  };
}

/** What BullMQ says of a job that is no longer this worker's, and of a connection, which tells itself. */
const isExpected = ({ message }: Error): boolean =>
  /lock|Missing key|not in the active state|ECONN|Connection is closed|LOADING/i.test(message);

const withdrawnRun = ({ task, candidate, seed }: RunRequest) =>
  new GraftError(WITHDRAWN, {
    thing: `the run of ${candidate.method} on ${task} with seed ${seed}`,
    place: "its study asked for it no longer",
    remedy: "It was pruned, or the study ended",
  });
