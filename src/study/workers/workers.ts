import type { TrainOptions } from "../../training/index.ts";
import type { Candidate, RunKey, RunReport, RunResult } from "../trial.ts";

/** A training to be done, with all that a worker on another machine must know. Plain JSON. */
export interface RunRequest extends RunKey {
  /** Of the study: names its runs apart from another's in a shared queue. */
  readonly study: string;
  /** When the study was made, milliseconds since 1970: tells it from another of its name. */
  readonly createdAt: number;
  readonly candidate: Candidate;
  readonly model: { readonly model: string; readonly dtype?: string };
  readonly trainSize?: number;
  readonly measureSize: number;
  readonly training: Partial<TrainOptions>;
  readonly measuresLatency: boolean;
  /** What the worker's backbone and data must hash to. */
  readonly backboneHash: string;
  readonly dataHash: string;
}

export interface RunCall {
  /** Aborted to end the run without a result: it was pruned, or the study ends. */
  readonly signal: AbortSignal;
  onStart(worker: string): void;
  onReport(report: RunReport): void;
  onLog(line: string): void;
}

/**
 * Codes of errors that come of the host and not of the run: its files differ or are missing, it lacks network, room or packages.
 * The run is given back; another host may do it, or this one when that is mended.
 */
export const UNFIT_HOST: ReadonlySet<string> = new Set([
  "BACKBONE_DIFFERS",
  "DATA_DIFFERS",
  "FILE_ACCESS",
  "FILE_DISK_FULL",
  "FILE_MISSING",
  "HUB_ACCESS",
  "HUB_NETWORK",
  "HUB_OFFLINE",
  "MISSING_PACKAGE",
  "MODEL_NOT_FOUND",
  "NO_DATA",
  "NO_SUCH_FOLDER",
  "NO_WEBASSEMBLY",
  "RUNTIME_MISSING",
]);

/** Who trains. `run` may be called as often at once as there are slots. */
export interface Workers {
  /** Runs that are done at once; of a queue, as many as it is to hold ready for those who come. */
  readonly slots: number;
  /**
   * Do a run once. Called again for a run that is under way or done (by an owner that died and came back), it takes
   * that one's result where the workers outlive their owner.
   * @throws GraftError WORKER_DIED where the worker ended without a word: the run may be tried again. Everything else
   *         the training threw would come again.
   */
  run(request: RunRequest, call: RunCall): Promise<RunResult>;
  /**
   * Which of some runs, in the order they wait, a worker that is idle is best prepared for: it keeps a task's data, head and
   * frozen values. Default: the first.
   */
  choose?(waiting: readonly RunKey[]): number;
  close(): Promise<void>;
}
