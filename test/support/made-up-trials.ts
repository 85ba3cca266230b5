import type { Run, Trial } from "../../src/study/trial.ts";

/** A trial for tests: a metric by seed, undefined where it is still to be trained. `measured` is `validation` unless given. */
export interface MadeUp {
  readonly task?: string;
  readonly method: string;
  readonly origin?: string;
  readonly validation: readonly (number | undefined)[];
  readonly measured?: readonly (number | undefined)[];
}

export function madeUpTrials(list: readonly MadeUp[]): readonly Trial[] {
  return list.map(({ task = "a", method, origin = "grid", validation, measured = validation }, number) => {
    const runs = validation.map((value, seed): Run => {
      const key = { task, trial: number, seed, attempts: 1, reports: [], log: [] };
      const at = measured[seed];
      if (value === undefined || at === undefined) return { ...key, state: "waiting" };
      return {
        ...key,
        state: "complete",
        result: {
          validation: { value, loss: 1 },
          measured: { value: at, loss: 1 },
          bestEpoch: 1,
          trainableParameters: 100,
          seconds: 10,
        },
      };
    });
    const state = runs.every((run) => run.state === "complete") ? "complete" : "waiting";
    return { task, number, candidate: { method }, origin, state, runs };
  });
}
