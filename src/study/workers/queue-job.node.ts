import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { GraftError } from "../../base/index.ts";
import { taskNames } from "../../tasks/index.ts";
import type { RunReport, RunResult } from "../trial.ts";
import type { RunRequest } from "./workers.ts";

/** All studies share one queue, so that a worker takes runs of any. */
export const QUEUE = "graft-runs";

/** What a job holds. */
export interface JobData {
  /** As the worker gets it: paths are absolute on the owner's host. */
  readonly request: RunRequest;
  /** The owner wants no result any more: the worker ends the run when it sees this. */
  readonly isWithdrawn?: boolean;
}

/** What the worker has told so far, whole each time: an owner that missed some finds it in the last. */
export interface JobProgress {
  readonly worker: string;
  readonly reports: readonly RunReport[];
  readonly log: readonly string[];
}

export type JobResult = RunResult;

/**
 * The same run has the same id whoever asks, so that an owner that comes back finds it. The hash of all that is
 * asked tells a study from its copy that was changed by hand.
 */
export function jobIdOf(request: RunRequest): string {
  const { task, trial, seed } = request;
  const hash = createHash("sha256").update(canonicalJson(request)).digest("hex").slice(0, 12);
  return [`${jobPrefixOf(request)}${encodeURIComponent(task)}`, trial, seed, hash].join("/");
}

/** What the ids of a study's jobs begin with. BullMQ's ids may not hold a colon. */
export const jobPrefixOf = ({ study, createdAt }: Pick<RunRequest, "study" | "createdAt">): string =>
  `${encodeURIComponent(study)}/${createdAt}/`;

/** Keys in order and nothing undefined: a request that went through a file is the same. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/** What exists here by that name is a path, and is sent whole. A generated task is none, whatever lies beside it. */
export function withAbsolutePaths(request: RunRequest): RunRequest {
  return mapPaths(request, (name) => (!taskNames.includes(name) && existsSync(name) ? resolve(name) : name));
}

/** Begin of a path on the owner's host, and what stands for it here. */
export type PathPrefix = readonly [theirs: string, ours: string];

/** `/data=/mnt/shared` → the pair; @throws GraftError USAGE */
export function parsePathPrefix(text: string): PathPrefix {
  const at = text.indexOf("=");
  if (at < 1 || at === text.length - 1)
    throw new GraftError("USAGE", {
      thing: `--map ${text}`,
      place: "it does not name two folders",
      remedy: "Write --map THEIRS=OURS, such as --map /home/ada/data=/mnt/data",
    });
  return [text.slice(0, at), text.slice(at + 1)];
}

/** The request with paths as they are here; the longest prefix counts. */
export function withMappedPaths(request: RunRequest, prefixes: readonly PathPrefix[]): RunRequest {
  const longestFirst = prefixes
    .map(([theirs, ours]) => [theirs.replace(/\/+$/, ""), ours.replace(/\/+$/, "")] as const)
    .sort(([a], [b]) => b.length - a.length);
  return mapPaths(request, (path) => {
    const found = longestFirst.find(([theirs]) => path === theirs || path.startsWith(`${theirs}/`));
    return found ? found[1] + path.slice(found[0].length) : path;
  });
}

function mapPaths(request: RunRequest, map: (path: string) => string): RunRequest {
  const { model } = request.model;
  return { ...request, task: map(request.task), model: { ...request.model, model: map(model) } };
}

/** The code of a run that was ended because its owner asked for that. */
export const WITHDRAWN = "RUN_WITHDRAWN";

/** An error as a job's `failedReason`, and back. */
export function failureText({ code, thing, place, remedy }: GraftError): string {
  return JSON.stringify({ code, thing, place, remedy });
}

/** `worker`: who had the job. */
export function failureOf(text: string, request: RunRequest, worker: string | undefined): GraftError {
  const run = `the run of ${request.candidate.method} on ${request.task} with seed ${request.seed}`;
  // BullMQ's own word for a job whose lease was not renewed.
  if (/stalled/.test(text) && !text.startsWith("{"))
    return new GraftError("WORKER_DIED", {
      thing: run,
      place: `worker ${worker ?? "unknown"} did not renew its lease`,
      remedy: "It died, was stopped, or lost its network",
    });
  try {
    const { code, ...details } = JSON.parse(text);
    return new GraftError(code, details);
  } catch {
    return new GraftError("RUN_FAILED", {
      thing: run,
      place: `worker ${worker ?? "unknown"}: ${text}`,
      remedy: "See what the worker printed",
    });
  }
}
