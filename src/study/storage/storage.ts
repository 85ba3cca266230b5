import type { EdgeScores } from "../../scoring/index.ts";
import type { StudySettings } from "../settings.ts";
import type { Candidate, RunKey, RunReport, RunResult, Trial } from "../trial.ts";

/** What a study is about, as it was when the study was made: whoever goes on must have the same. */
export interface StudyRecord {
  readonly name: string;
  readonly settings: StudySettings;
  readonly backbone: { readonly name: string; readonly hash: string; readonly states: number };
  /** Of each task, a hash of its training and validation examples for each seed. */
  readonly data: Readonly<Record<string, readonly string[]>>;
  /** Name of the metric of each task. */
  readonly metrics: Readonly<Record<string, string>>;
  readonly createdAt: number;
  /** Of one training of a middling candidate, timed when the study was made. */
  readonly secondsEach?: number;
}

/**
 * Where a study lives. One process, the owner, writes; others read. Every call is whole or not at all, and what it
 * wrote survives the process (the memory storage apart). Calls about a run that is no longer running (a late result)
 * change nothing and return false.
 */
export interface StudyStorage {
  readonly study: StudyRecord;
  /** Adds a waiting trial with a run for each seed. */
  addTrial(task: string, candidate: Candidate, origin: string): Trial;
  /** waiting → running; counts the attempt. */
  startRun(run: RunKey, worker: string): boolean;
  report(run: RunKey, report: RunReport): boolean;
  log(run: RunKey, line: string): void;
  /** running → complete. The trial is complete with its last run. */
  completeRun(run: RunKey, result: RunResult): boolean;
  /** running → pruned, with the trial and its waiting runs. */
  pruneRun(run: RunKey, reason: string): boolean;
  /** running → failed, with the trial and its waiting runs. */
  failRun(run: RunKey, error: string): boolean;
  /** running → waiting: the worker died; the reports of the attempt go. */
  returnRun(run: RunKey, reason: string): boolean;
  trials(task?: string): readonly Trial[];
  /** Edge scores of a task, for samplers that are guided by them. */
  scores(task: string): EdgeScores | undefined;
  setScores(task: string, scores: EdgeScores): void;
  /** Set by `graft study stop` in another process; the owner sees it, ends after its runs, and clears it. */
  requestStop(): void;
  isStopRequested(): boolean;
  clearStop(): void;
  close(): void;
}
