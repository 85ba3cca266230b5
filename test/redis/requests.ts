import { setTimeout as sleep } from "node:timers/promises";
import { GraftError, nameSeed, random } from "../../src/base/index.ts";
import type { RunReport, RunResult } from "../../src/study/trial.ts";
import type { RunCall, RunRequest, Workers } from "../../src/study/workers/workers.ts";

/** A run of a study that has none but its name. */
export const request = (trial: number, over: Partial<RunRequest> = {}): RunRequest => ({
  study: "st:udy 1",
  createdAt: 1,
  task: "count",
  trial,
  seed: 0,
  candidate: { method: `4-${5 + trial}@r8` },
  model: { model: "builtin:vit" },
  measureSize: 0,
  training: { epochs: 4 },
  measuresLatency: false,
  backboneHash: "b",
  dataHash: "d",
  ...over,
});

/** What a run comes to: a function of what is asked. */
export function resultOf({ trial, seed, candidate }: RunRequest): RunResult {
  const value = random(seed, nameSeed(candidate.method), trial).next();
  const evaluation = { loss: 1 - value, value };
  return { validation: evaluation, measured: evaluation, bestEpoch: 4, trainableParameters: 100 + trial, seconds: 0.1 };
}

export const reportsOf = (asked: RunRequest): readonly RunReport[] =>
  [1, 2, 3, 4].map((epoch) => ({ ...resultOf(asked).validation, epoch }));

/** Workers that train nothing: each epoch takes its time and ends with a report. */
export function fakeWorkers({ slots = 1, epochMilliseconds = 5 } = {}): Workers & { readonly begun: RunRequest[] } {
  const begun: RunRequest[] = [];
  return {
    slots,
    begun,
    async run(asked: RunRequest, { signal, onStart, onReport, onLog }: RunCall) {
      begun.push(asked);
      onStart("fake");
      if (asked.candidate.method.startsWith("bad"))
        throw new GraftError("BAD_METHOD", { thing: "method bad", place: "nowhere", remedy: "Take a good one" });
      for (const report of reportsOf(asked)) {
        await sleep(epochMilliseconds, undefined, { signal }).catch(() => signal.throwIfAborted());
        onLog(`epoch ${report.epoch}`);
        onReport(report);
      }
      return resultOf(asked);
    },
    close: async () => {},
  };
}
