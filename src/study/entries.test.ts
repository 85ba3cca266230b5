import { expect, test } from "vitest";
import { random } from "../base/index.ts";
import { entriesOf } from "./entries.ts";
import { importance } from "./importance.ts";
import { analyseEdges } from "./paper/edges.ts";
import { openSampler } from "./samplers/samplers.ts";
import type { Trial } from "./trial.ts";

test("a placement's edges are read off; every other method has none", () => {
  expect(entriesOf(" 4-5,20-3@r16")).toEqual([
    { from: 4, to: 5 },
    { from: 20, to: 3, rank: 16 },
  ]);
  for (const method of ["none", "all:parallel@r8", "lora:q,v@r8", "full"]) expect(entriesOf(method)).toEqual([]);
});

// As another version may have written it.
const foreign = "4-5~gated@r8";

test("trials whose method cannot be read are looked at all the same, and teach nothing", () => {
  const trials = ["0-1@r8", "1-0@r8", "1-1@r8", "0-0@r8", foreign, "4-5,4-5"].map((method, number): Trial => {
    const evaluation = { value: number / 10, loss: 1 };
    const result = { validation: evaluation, measured: evaluation, bestEpoch: 1, trainableParameters: 1, seconds: 1 };
    const run = { task: "t", trial: number, seed: 0, attempts: 1, reports: [], log: [], result };
    const candidate = { method };
    return {
      ...{ task: "t", number, candidate, origin: "random", state: "complete" },
      ...{ runs: [{ ...run, state: "complete" }], values: { metric: number / 10, parameters: 1 } },
    };
  });
  const readable = trials.slice(0, 4);
  expect(importance(trials, { states: 2 })).toEqual(importance(readable, { states: 2 }));
  const { states, tasks } = analyseEdges(trials, ["t"], "all:parallel@r8");
  expect(states).toEqual([0, 1]);
  expect(tasks[0]!.matrix).toEqual(analyseEdges(readable, ["t"], "all:parallel@r8").tasks[0]!.matrix);
  const space = { states: 5, edges: [{ from: 4, to: 4 }], count: [1, 1], ranks: [8] } as const;
  for (const name of ["grid", "evolution", "tpe"]) {
    const request = { space, index: 6, trials, objectives: ["metric"], random: random(1), scores: undefined } as const;
    expect(openSampler(name).suggest(request)).toMatchObject({ method: "4-4@r8" });
  }
});
