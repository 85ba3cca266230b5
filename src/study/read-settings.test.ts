import { expect, test } from "vitest";
import { readStudySettings } from "./read-settings.ts";

test("a study.yaml is read, with every default", async () => {
  const settings = await readStudySettings("tasks: [count]\ntrials: 3\nspace: { stride: 3 }\n", "study.yaml");
  expect(settings).toMatchObject({
    model: "builtin:vit",
    tasks: ["count"],
    trials: 3,
    seeds: 1,
    sampler: "random",
    pruner: "none",
    space: { edges: "all", stride: 3, count: 1, rank: 8 },
  });
});

test.each([
  ["tasks: [count]\ntrials: 3\nsampeler: random", /^s:3: there is no key "sampeler"\. did you mean "sampler"/],
  ["tasks: [count]\ntrials: 3\nspace:\n  stryde: 2", /^s:4: there is no key "space\.stryde"\. did you mean "stride"/],
  [
    "tasks: [count]\ntrials: 3\ntraining: { epocs: 2 }",
    /^s:3: there is no key "training\.epocs"\. did you mean "epochs"/,
  ],
  [
    "tasks: [count]\ntrials: 3\ntraining: { learningRate: 0.1 }",
    /^s:3: .*"training\.learningRate".*space: \{ learningRate/,
  ],
  ["tasks: [count]\ntrials: 3\ntraining: { seed: 1 }", /^s:3: .*"training\.seed".*`seeds`/],
  ["tasks: [count]\ntrials: many", /^s:2: trials: /],
  ["tasks: [count]\ntrials: 3\nspace: { count: [1] }", /^s:3: space\.count: /],
  ["tasks: [count]", /^s:1: the study: needs `trials` or `hours`/],
  ["trials: 3", /^s:1: tasks: a list of tasks is needed: `tasks: \[count\]`/],
  ["trials: 3\ntasks: count", /^s:2: tasks: a list of tasks is needed/],
  ["task: [count]\ntrials: 3", /^s:1: there is no key "task"\. did you mean "tasks"/],
  ["tasks: [count]\ntrials: 3\nsampler: randum", /sampler "randum".*did you mean "random"/],
  ["tasks: [count]\ntrials: 3\npruner: { name: asha, reductoin: 2 }", /reductoin/],
  ["tasks: [count]\n  trials: 3", /^s:2: not valid YAML/],
  ["", /^s:1: tasks: /],
])("%j is refused with its line", async (text, message) => {
  await expect(readStudySettings(text, "s")).rejects.toThrow(message);
});
