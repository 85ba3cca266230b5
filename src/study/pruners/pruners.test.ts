import { describe, expect, test } from "vitest";
import { random } from "../../base/index.ts";
import type { Run, Trial, TrialState } from "../trial.ts";
import { rungsOf } from "./asha.ts";
import { bracketSizes } from "./hyperband.ts";
import type { Pruner } from "./pruner.ts";
import { openPruner, type PrunerName, pruners } from "./pruners.ts";

const runOf = (trial: number, seed: number, values: readonly number[], state: TrialState = "running"): Run => ({
  task: "t",
  trial,
  seed,
  state,
  attempts: 1,
  reports: values.map((value, k) => ({ epoch: k + 1, value, loss: 1 - value })),
  log: [],
});

/** A trial by the values of its runs' epochs. */
const trialOf = (number: number, runs: readonly (readonly number[])[], state: TrialState = "running"): Trial => ({
  task: "t",
  number,
  candidate: { method: `0-${number}@r8` },
  origin: "random",
  state,
  runs: runs.map((values, seed) => runOf(number, seed, values, state)),
});

const ask = (pruner: Pruner, trials: readonly Trial[], trial: number, { seed = 0, epochs = 9, seeds = 1 } = {}) =>
  pruner.shouldPrune({ run: { task: "t", trial, seed }, trials, epochs, seeds });

/** Trials reach their epochs in turn, or one after another; curves rise to a level of their own, with noise. */
function train(
  pruner: Pruner,
  { trials: count, epochs, seeds = 1, seed = 0, inTurn = false, noise = 0 }: TrainSettings,
) {
  const level = random(seed).permutation(count);
  const bestTrial = level.indexOf(count - 1);
  const trials = Array.from({ length: count }, (_, k) => trialOf(k, []));
  const pruned = new Set<number>();
  let trained = 0;
  const step = (number: number, run: number, epoch: number) => {
    if (pruned.has(number)) return;
    trained++;
    const value = (level[number]! / count) * (1 - 0.5 ** epoch) + noise * random(seed, number, run, epoch).normal();
    const before = trials[number]!.runs;
    const reports = [...(before[run]?.reports ?? []), { epoch, value, loss: 0 }];
    const state = epoch === epochs ? "complete" : "running";
    const next = { ...runOf(number, run, [], state), reports };
    trials[number] = { ...trials[number]!, runs: [...before.slice(0, run), next] };
    if (ask(pruner, trials, number, { seed: run, epochs, seeds })) pruned.add(number);
  };
  const steps = Array.from(
    { length: seeds * epochs },
    (_, at) => [Math.floor(at / epochs), (at % epochs) + 1] as const,
  );
  const numbers = [...trials.keys()];
  const order = inTurn
    ? steps.flatMap((at) => numbers.map((number) => [number, ...at] as const))
    : numbers.flatMap((number) => steps.map((at) => [number, ...at] as const));
  for (const [number, run, epoch] of order) step(number, run, epoch);
  return { pruned, trained, bestTrial, all: count * epochs * seeds };
}

interface TrainSettings {
  readonly trials: number;
  readonly epochs: number;
  readonly seeds?: number;
  readonly seed?: number;
  readonly inTurn?: boolean;
  readonly noise?: number;
}

describe.each(Object.keys(pruners) as PrunerName[])("%s keeps the contract", (name) => {
  const pruner = openPruner(name);

  test.each([true, false])("the trial that is best at every step is never ended (in turn: %s)", (inTurn) => {
    for (let seed = 0; seed < 5; seed++) {
      const { pruned, bestTrial } = train(pruner, { trials: 30, epochs: 9, seeds: 3, seed, inTurn });
      expect(pruned.has(bestTrial)).toBe(false);
      if (name === "none") expect(pruned.size).toBe(0);
      else expect(pruned.size).toBeGreaterThan(5);
    }
  });

  test("nothing is ended while there is nothing to compare with", () => {
    expect(ask(pruner, [trialOf(0, [[0]])], 0)).toBe(false);
    expect(ask(pruner, [trialOf(0, [[0, 0, 0]]), trialOf(1, [[1, 1, 1]])], 0)).toBe(false);
    expect(ask(pruner, [trialOf(0, [[]])], 0)).toBe(false);
    expect(ask(pruner, [], 0)).toBe(false);
    const behind = Array.from({ length: 20 }, (_, k) => trialOf(k + 1, [[0.9]]));
    expect(ask(pruner, [trialOf(0, [[0, 0, 0]]), ...behind], 0)).toBe(false);
  });

  test("failed trials are no measure", () => {
    const failed = Array.from({ length: 20 }, (_, k) => trialOf(k + 1, [[0.9, 0.9, 0.9]], "failed"));
    expect(ask(pruner, [trialOf(0, [[0, 0, 0]]), ...failed], 0)).toBe(false);
  });

  test("all alike, none is ended", () => {
    const trials = Array.from({ length: 20 }, (_, k) => trialOf(k, [[0.5, 0.5, 0.5]]));
    for (const { number } of trials) expect(ask(pruner, trials, number)).toBe(false);
  });

  test("values that are no numbers lose to every other", () => {
    const trials = Array.from({ length: 19 }, (_, k) => trialOf(k, [[0.1, 0.1, 0.1]]));
    const broken = trialOf(19, [[Number.NaN, Number.NaN, Number.NaN]]);
    expect(ask(pruner, [...trials, broken], 3)).toBe(false);
    if (name === "median" || name === "asha") expect(ask(pruner, [...trials, broken], 19)).toBe(true);
  });

  test("it names its source", () => {
    expect(pruners[name].summary).not.toBe("");
    if (name !== "none") expect(pruners[name].source).toMatch(/\d{4}/);
  });
});

test.each([
  ["medain", "UNKNOWN_PRUNER", 'did you mean "median"'],
  [{ name: "asha", reduktion: 3 }, "OPTIONS", 'did you mean "reduction"'],
  [{ name: "asha", reduction: 1 }, "OPTIONS", '"reduction": 1'],
  [{ name: "none", warmup: 1 }, "OPTIONS", "takes no options"],
] as const)("%j is refused", (setting, code, message) => {
  expect(() => openPruner(setting)).toThrow(expect.objectContaining({ code }));
  expect(() => openPruner(setting)).toThrow(message);
});

test("median: below the middle of the others' best values at that epoch, after the warm-up and with enough of them", () => {
  const others = [0.1, 0.2, 0.3, 0.4, 0.5].map((value, k) => trialOf(k + 1, [[value, value - 0.05, 0.9]]));
  const median = openPruner("median");
  const says = (values: number[], trials = others) => ask(median, [trialOf(0, [values]), ...trials], 0);
  expect(says([0.25])).toBe(false); // in the warm-up
  expect(says([0.25, 0.29])).toBe(true); // the median of the best so far is 0.3
  expect(says([0.25, 0.3])).toBe(false);
  expect(says([0.31, 0.0])).toBe(false); // its best counts, not its last
  expect(says([0.25, 0.29], others.slice(1))).toBe(false); // four are too few
});

test("rungs lie at min · ηᵏ epochs of the first run, then at ends of runs, but not at the very end", () => {
  expect(rungsOf(1, 3, 9, 1)).toEqual([
    { seed: 0, epoch: 1 },
    { seed: 0, epoch: 3 },
  ]);
  // Epochs in all: 1, 3, then 9 and 27 of 4 · 8, that is 3 runs and 7 runs.
  expect(rungsOf(1, 3, 4, 8)).toEqual([
    { seed: 0, epoch: 1 },
    { seed: 0, epoch: 3 },
    { seed: 2, epoch: 4 },
    { seed: 6, epoch: 4 },
  ]);
  expect(rungsOf(1, 2, 1, 4)).toEqual([
    { seed: 0, epoch: 1 },
    { seed: 1, epoch: 1 },
  ]);
  expect(rungsOf(1, 2, 3, 2)).toEqual([
    { seed: 0, epoch: 1 },
    { seed: 0, epoch: 2 },
  ]);
});

test("asha: at a rung the best third goes on, by the mean over seeds where runs are whole", () => {
  const asha = openPruner("asha");
  const at = (values: number[]) => values.map((value, k) => trialOf(k, [[value]]));
  const six = at([0.6, 0.5, 0.4, 0.3, 0.2, 0.1]);
  expect(six.map(({ number }) => ask(asha, six, number))).toEqual([false, false, true, true, true, true]);
  expect(
    ask(
      asha,
      six.map((t) => trialOf(t.number, [[0.1, t.runs[0]!.reports[0]!.value]])),
      5,
    ),
  ).toBe(false); // epoch 2: no rung
  // Two epochs, four seeds, η 2: rungs at 1 epoch, 2 epochs (run 1) and 4 epochs (runs 1 and 2).
  const two = [
    trialOf(0, [
      [0, 0.9],
      [0, 0.1],
    ]),
    trialOf(1, [
      [0, 0.4],
      [0, 0.8],
    ]),
  ];
  const halving = openPruner({ name: "asha", reduction: 2 });
  const says = (trial: number) => ask(halving, two, trial, { seed: 1, epochs: 2, seeds: 4 });
  expect([says(0), says(1)]).toEqual([true, false]); // means 0.5 and 0.6
});

test("hyperband shares trials out as in its paper: R = 81, η = 3", () => {
  // Its table 1 has n = 81, 34, 15, 8, 5 (there with ⌈(B/R) ηˢ / (s + 1)⌉ for B = 5R).
  expect(bracketSizes(81, 3)).toEqual([81, 34, 15, 8, 5]);
  const hyperband = openPruner("hyperband");
  // 9 epochs: brackets of 9, 5 and 3 trials; the first starts at epoch 1, the second at 3, the third has no rung.
  const trials = Array.from({ length: 17 }, (_, k) => trialOf(k, [[1 - k / 100]]));
  const ended = trials.filter(({ number }) => ask(hyperband, trials, number)).map(({ number }) => number);
  expect(ended).toEqual([3, 4, 5, 6, 7, 8]);
  const third = trials.map(({ number }) => trialOf(number, [[0, 0, 1 - number / 100]]));
  const later = third.filter(({ number }) => ask(hyperband, third, number)).map(({ number }) => number);
  expect(later).toEqual([3, 4, 5, 6, 7, 8, 10, 11, 12, 13]);
});

test("asha finds the best trial with less than half of the epochs, nine times of ten under noise", () => {
  let found = 0;
  for (let seed = 0; seed < 20; seed++) {
    const { pruned, trained, bestTrial, all } = train(openPruner("asha"), {
      trials: 60,
      epochs: 9,
      seed,
      noise: 0.01,
      inTurn: true,
    });
    expect(trained / all).toBeLessThan(0.5);
    if (!pruned.has(bestTrial)) found++;
  }
  expect(found).toBeGreaterThanOrEqual(18);
});
