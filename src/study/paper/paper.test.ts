import { describe, expect, test } from "vitest";
import { type MadeUp, madeUpTrials } from "../../../test/support/made-up-trials.ts";
import { random } from "../../base/index.ts";
import { analyseExperiment, isComplete } from "./analyse.ts";
import { analyseBaselines } from "./baselines.ts";
import { analyseCorrelation } from "./correlation.ts";
import { analyseEdges, chanceOfRecurrent } from "./edges.ts";
import { experiments } from "./experiments.ts";
import { analysePlaces } from "./places.ts";
import { analyseRandom, chosenDraw, medianInterval } from "./random.ts";
import { noiseOf, rowDifference, rowsOf } from "./rows.ts";
import { analyseScores } from "./scores.ts";
import { scoresCsv } from "./scores-csv.ts";
import { testJobs } from "./test-chosen.ts";

const ALL = "all:parallel@r8";

describe("rows", () => {
  // Rows 10 20 / 30 50 / 20 35 (%): seed means 20, 35, mean of all 27.5, row means 15, 40, 27.5.
  // Residuals: 2.5 −2.5 / −2.5 2.5 / 0 0; squares sum to 25, (3 − 1)(2 − 1) = 2 degrees: s = √12.5 = 3.5355.
  const rows = rowsOf(
    madeUpTrials([
      { method: "0-1@r32", validation: [0.1, 0.2] },
      { method: "1-2@r32", validation: [0.3, 0.5] },
      { method: "2-3@r32", validation: [0.2, 0.35] },
      { method: "3-4@r32", validation: [0.9, undefined] },
      { method: "4-5@r32", validation: [undefined, undefined] },
    ]),
    "a",
  );

  test("noise by hand: what seeds and placements do not explain, of rows that are done", () => {
    expect(rows).toHaveLength(4);
    expect(noiseOf(rows)).toEqual({ deviation: expect.closeTo(Math.sqrt(12.5) / 100, 12), degrees: 2 });
    expect(noiseOf(rows.slice(0, 1))).toBeUndefined();
  });

  test("a difference by hand: seed by seed, ± t · s · √(2 / seeds)", () => {
    const found = rowDifference(rows[1]!, rows[0]!, noiseOf(rows));
    expect(found.mean).toBeCloseTo(0.25, 12);
    expect(found.high).toBeCloseTo(0.25 + 4.3027 * Math.sqrt(12.5) * 0.01, 5);
    expect(rowDifference(rows[3]!, rows[0]!, undefined)).toMatchObject({ mean: 0.9 - 0.1, low: undefined });
  });
});

/** A task's places, metric by seed: noise of ±0.1 points at most around what `at` says. */
const placesOf = (task: string, at: (from: number) => number): MadeUp[] =>
  Array.from({ length: 6 }, (_, from) => ({
    task,
    method: `${from}-${from + 1}@r32`,
    validation: [at(from), at(from) + 0.001 * (from % 2)],
  }));

describe("places", () => {
  test("early is best on one task, late on the other: both claims hold", () => {
    const trials = madeUpTrials([
      { task: "a", method: "none", origin: "baseline", validation: [0.4, 0.42] },
      ...placesOf("a", (from) => 0.9 - 0.05 * from),
      ...placesOf("b", (from) => 0.6 + 0.05 * from),
    ]);
    const { tasks, transfers, verdicts } = analysePlaces(trials, ["a", "b"]);
    expect(tasks[0]).toMatchObject({ best: { from: 0, to: 1 }, worst: { from: 5, to: 6 } });
    expect(tasks[0]!.head).toBeCloseTo(0.41, 12);
    expect(tasks[0]!.depth.value).toBeCloseTo(-1, 12);
    expect(tasks[0]!.gap!.mean).toBeCloseTo(0.25 - 0.0005, 12);
    // On b, place 0, the best of a, has 0.6 where the best has 0.8505.
    expect(transfers[0]).toMatchObject({ from: "a", on: "b", loss: { mean: expect.closeTo(0.2505, 12) } });
    expect(verdicts.map(({ outcome }) => outcome)).toEqual(["confirmed", "confirmed"]);
  });

  test("places that are all alike, and the same on both tasks, confirm nothing", () => {
    const flat = (from: number) => 0.5 + 0.0002 * from;
    const trials = madeUpTrials([...placesOf("a", flat), ...placesOf("b", flat)]);
    const { verdicts } = analysePlaces(trials, ["a", "b"]);
    expect(verdicts.map(({ outcome }) => outcome)).toEqual(["not confirmed", "not confirmed"]);
  });

  test("one seed tells no noise, and no training nothing: unclear", () => {
    const one = placesOf("a", (from) => from / 10).map((trial) => ({ ...trial, validation: [trial.validation[0]] }));
    for (const trials of [madeUpTrials(one), []])
      expect(analysePlaces(trials, ["a", "b"]).verdicts.map(({ outcome }) => outcome)).toEqual(["unclear", "unclear"]);
  });
});

const STATES = [0, 3, 6, 9];
const edgesOf = (task: string, states: readonly number[], at: (from: number, to: number) => number): MadeUp[] =>
  states.flatMap((from) =>
    states.map((to) => ({
      task,
      method: `${from}-${to}@r32`,
      validation: [at(from, to), at(from, to) + (from === to ? 0.002 : 0)],
    })),
  );
const recurrentIsBest = (from: number, to: number) => 0.5 + 0.01 * (from - to);

describe("edges", () => {
  test("matrix, best three, kinds and the best against all places, by hand", () => {
    const trials = madeUpTrials([
      { method: "none", origin: "baseline", validation: [0.4, 0.4] },
      { method: ALL, origin: "baseline", validation: [0.55, 0.56] },
      ...edgesOf("a", STATES, recurrentIsBest),
    ]);
    const { states, tasks, verdicts } = analyseEdges(trials, ["a"], ALL);
    expect(states).toEqual(STATES);
    expect(tasks[0]!.matrix[3]![0]).toBeCloseTo(0.59, 12);
    expect(tasks[0]!.matrix[0]![3]).toBeCloseTo(0.41, 12);
    expect(tasks[0]!.bySeed[1]![2]![2]).toBeCloseTo(0.502, 12);
    expect(tasks[0]!.top.map(({ edge }) => `${edge.from}-${edge.to}`)).toEqual(["9-0", "6-0", "9-3"]);
    expect(tasks[0]!.kinds).toEqual([
      { kind: "sequential", edges: 4, median: expect.closeTo(0.501, 12) },
      { kind: "long-range", edges: 6, median: expect.closeTo(0.455, 12) }, // 0.47 ×3, 0.44 ×2, 0.41
      { kind: "recurrent", edges: 6, median: expect.closeTo(0.545, 12) },
    ]);
    expect(tasks[0]!.againstAll!.mean).toBeCloseTo(0.59 - 0.555, 12);
    expect(verdicts.map(({ outcome }) => outcome)).toEqual(["confirmed", "confirmed"]);
  });

  test("chance of a recurrent edge among three: 1 − C(45, 3) / C(81, 3) for 9 states", () => {
    expect(chanceOfRecurrent(9)).toBeCloseTo(1 - 14190 / 85320, 12);
  });

  test("an edge that is missing leaves a hole, and the claims open", () => {
    const trials = madeUpTrials(edgesOf("a", STATES, recurrentIsBest).slice(0, 9));
    const { tasks, verdicts } = analyseEdges(trials, ["a"], ALL);
    expect(tasks[0]!.matrix[3]!.slice(1)).toEqual([undefined, undefined, undefined]);
    expect(verdicts.map(({ outcome }) => outcome)).toEqual(["unclear", "unclear"]);
  });
});

describe("correlation", () => {
  const { normal } = random(3);
  const noise = STATES.map(() => STATES.map(() => 0.05 * normal()));
  const other = (from: number, to: number) => 0.5 + noise[STATES.indexOf(from)]![STATES.indexOf(to)]!;

  test("the same matrix twice is 1 with the least p there can be; the claim is not confirmed", () => {
    const trials = madeUpTrials([
      ...edgesOf("a", STATES, other),
      ...edgesOf("b", STATES, (i, j) => 0.2 + other(i, j) / 2),
    ]);
    const { pairs, seeds } = analyseCorrelation(trials, ["a", "b"], ALL, { permutations: 999 });
    expect(pairs[0]).toMatchObject({ tasks: ["a", "b"], edges: 16, value: expect.closeTo(0.97, 1) });
    // Of 24 orders of 4 states one is as high.
    expect(pairs[0]!.whole!.p).toBeLessThan(0.08);
    expect(seeds.map(({ task }) => task)).toEqual(["a", "b"]);
    expect(seeds[0]!.value).toBeGreaterThan(0.9);
  });

  test("an unfinished matrix has a correlation over shared edges, and neither test nor verdict", () => {
    const trials = madeUpTrials([...edgesOf("a", STATES, other), ...edgesOf("b", STATES, other).slice(0, 5)]);
    const { pairs, verdicts } = analyseCorrelation(trials, ["a", "b"], ALL);
    expect(pairs[0]).toMatchObject({ edges: 5, value: expect.closeTo(1, 12), whole: undefined });
    expect(verdicts[0]).toMatchObject({ outcome: "unclear", because: "0 of 1 pairs are measured on every edge" });
  });
});

describe("scores", () => {
  // An interval over states takes some states.
  const states = Array.from({ length: 9 }, (_, k) => 3 * k);
  const draw = random(5);
  // Nothing to do with depth, and the same for both seeds but for the diagonal.
  const quality = states.map(() => states.map(() => draw.next()));
  const at = (from: number, to: number) => quality[from / 3]![to / 3]!;
  const trials = madeUpTrials([
    { method: "none", origin: "baseline", validation: [0.1, 0.1] },
    ...edgesOf("a", states, (from, to) => 0.3 + 0.2 * (at(from, to) + 0.1 * Math.sin(7 * from + to))),
    ...edgesOf("b", states, (from, to) => 0.9 - 0.01 * from - 0.02 * to),
  ]);
  const matrixOf = (value: (from: number, to: number) => number) => states.map((i) => states.map((j) => value(i, j)));
  const scored = ["a", "b"].flatMap((task) =>
    [0, 1].flatMap((seed) => {
      const one = (score: string, value: (from: number, to: number) => number) => ({
        ...{ task, seed, score, states, matrix: matrixOf(value) },
      });
      return [
        one("srank", (i, j) => at(i, j) * (1 + seed)),
        one("frobenius", (i, j) => -at(i, j)),
        one("depth", (i, j) => -i - 3 * j),
      ];
    }),
  );

  test("a score that is the quality, one that is its opposite, and depth, each where it is true", () => {
    const { tasks } = analyseScores(trials, ["a", "b"], ALL, scored);
    const [srank, frobenius, depth] = tasks[0]!.scores;
    expect(srank!.whole.value).toBeGreaterThan(0.9);
    expect(srank!.givenPlace.value).toBeGreaterThan(0.9);
    expect(srank!.placeShare).toBeLessThan(0.3);
    expect(depth!.placeShare).toBeGreaterThan(0.95);
    expect(frobenius!.whole.value).toBeCloseTo(-srank!.whole.value, 12);
    expect(Math.abs(depth!.whole.value)).toBeLessThan(0.5);
    expect(tasks[1]!.scores[2]!.whole.value).toBeGreaterThan(0.98);
    expect(Math.abs(tasks[1]!.scores[0]!.whole.value)).toBeLessThan(0.6);
    expect(tasks[0]!.reliability).toBeGreaterThan(0.98);
    const outcomes = (of: string) => analyseScores(trials, [of], ALL, scored).verdicts.map(({ outcome }) => outcome);
    expect(outcomes("a")).toEqual(["confirmed", "confirmed", "confirmed"]);
    expect(outcomes("b")[1]).toBe("not confirmed");
    expect(tasks[0]!.rankOverNorm!.value).toBeCloseTo(2 * srank!.whole.value, 12);
  });

  test("a rank that correlates more than the norm by no more than luck does not confirm it", () => {
    const phases: Record<string, number> = { srank: 2, frobenius: 8 };
    const near = scored.map((each) => {
      const noise = (i: number, j: number) => 0.4 * Math.sin(phases[each.score]! * i + 3 * j);
      return each.score in phases ? { ...each, matrix: matrixOf((i, j) => at(i, j) + noise(i, j)) } : each;
    });
    const { tasks, verdicts } = analyseScores(trials, ["a"], ALL, near);
    const { value, low, high } = tasks[0]!.rankOverNorm!;
    expect(value).toBeGreaterThan(0);
    expect(low).toBeLessThan(0);
    expect(high).toBeGreaterThan(value);
    expect(verdicts[2]!.outcome).toBe("not confirmed");
  });

  test("as CSV a line for each task and score, its numbers to six decimals, what there is not left empty", () => {
    const flat = scored.map((each) => (each.score === "depth" ? { ...each, matrix: matrixOf(() => 1) } : each));
    const result = analyseScores(trials, ["a", "b"], ALL, flat);
    const [head, ...lines] = scoresCsv(result).trimEnd().split("\n");
    const keys = head!.split(",");
    expect(lines).toHaveLength(2 * 3);
    const { whole, givenEnds, givenPlace, placeShare } = result.tasks[0]!.scores[1]!;
    const cells = [whole, givenEnds, givenPlace].map(({ value, low, high }) => [value, low, high]);
    const numbers = [...cells[0]!, whole.p, ...cells[1]!, ...cells[2]!, placeShare];
    const expected = [...numbers, result.tasks[0]!.reliability].map((number) => Number(number!.toFixed(6)));
    expect(lines[1]!.split(",").slice(0, 2)).toEqual(["a", "frobenius"]);
    expect(lines[1]!.split(",").slice(2).map(Number)).toEqual(expected);
    const cell = (line: string, key: string) => line.split(",")[keys.indexOf(key)];
    expect(["rho", "low", "given_place_rho", "place_share"].map((key) => cell(lines[2]!, key))).toEqual([
      "",
      "",
      "",
      "",
    ]);
    expect(cell(lines[2]!, "reliability")).not.toBe("");
    expect(scoresCsv(analyseScores(trials, ["a"], ALL)).trimEnd()).toBe(head);
  });

  test("without scores, or with edges that are not measured, nothing is said", () => {
    const gaps = [analyseScores(trials, ["a"], ALL), analyseScores(trials.slice(0, 9), ["a"], ALL, scored)];
    for (const { tasks, choices, verdicts } of gaps) {
      expect(tasks[0]!.scores).toEqual([]);
      expect(choices).toEqual([]);
      expect(new Set(verdicts.map(({ outcome }) => outcome))).toEqual(new Set(["unclear"]));
    }
  });
});

describe("random draws", () => {
  test("the median's interval has the order statistics of printed tables", () => {
    // Conover, table of sign tests: n = 6: 1st and 6th, 10: 2nd and 9th, 20: 6th and 15th, 50: 18th and 33rd.
    for (const [n, low, high] of [
      [6, 1, 6],
      [10, 2, 9],
      [20, 6, 15],
      [50, 18, 33],
    ])
      expect(medianInterval(Array.from({ length: n! }, (_, k) => n! - k))).toEqual({ low, high });
    expect(medianInterval([1, 2, 3, 4, 5])).toEqual({ low: undefined, high: undefined });
  });

  /** 20 draws measured 0.70 to 0.89; validation likes the one measured 0.75 best. */
  const draws: MadeUp[] = Array.from({ length: 20 }, (_, k) => ({
    method: `${k}-${k}@r8,${k}-${k + 1}@r8`,
    origin: "random",
    validation: [k === 5 ? 0.95 : 0.8],
    measured: [0.7 + k / 100],
  }));
  const trials = (all: number) => madeUpTrials([{ method: ALL, origin: "baseline", validation: [all] }, ...draws]);

  test("distribution, choice by validation, share above", () => {
    const [task] = analyseRandom(trials(0.795), ["a"], ALL).tasks;
    expect(task!.median).toBeCloseTo(0.795, 12);
    expect(task!.above).toBe(0.5);
    expect(task!.best).toMatchObject({ method: "5-5@r8,5-6@r8", measured: 0.75 });
    expect(chosenDraw(trials(0.8), "a")).toBe("5-5@r8,5-6@r8");
    expect(task!.test).toBeUndefined();
  });

  test.each([
    [0.75, "confirmed"], // the interval is [0.75, 0.84]
    [0.8, "unclear"],
    [0.86, "not confirmed"],
  ])("against an adapter at every place with %d: %s", (all, outcome) => {
    expect(analyseRandom(trials(all), ["a"], ALL).verdicts[0]!.outcome).toBe(outcome);
  });

  test("the chosen draw meets the test split, paired over seeds", () => {
    const run = (method: string, seed: number, value: number) => ({
      task: "a",
      method,
      seed,
      validation: 0,
      test: value,
      seconds: 1,
    });
    const tested = [0, 1, 2].flatMap((seed) => [run("5-5@r8,5-6@r8", seed, 0.8 + 0.01 * seed), run(ALL, seed, 0.7)]);
    const { tasks, verdicts } = analyseRandom(trials(0.8), ["a"], ALL, tested);
    // Differences 10, 11, 12 points: 11 ± 4.3027 · 1 / √3.
    expect(tasks[0]!.test).toMatchObject({ mean: expect.closeTo(0.11, 12), pairs: 3 });
    expect(tasks[0]!.test!.low).toBeCloseTo(0.11 - 0.043027 / Math.sqrt(3), 6);
    expect(verdicts[1]!.outcome).toBe("confirmed");
  });
});

test("baselines: means over seeds, draws averaged within a seed and chosen by validation", () => {
  const trials = madeUpTrials([
    { method: "none", origin: "baseline", validation: [0.4, 0.5] },
    { method: ALL, origin: "baseline", validation: [0.8, 0.91] },
    { method: "full", origin: "baseline", validation: [0.9, 1] },
    { method: "0-1@r8", origin: "random", validation: [0.9, 0.1], measured: [0.6, 0.5] },
    { method: "1-2@r8", origin: "random", validation: [0.1, 0.9], measured: [0.7, 0.6] },
  ]);
  const { methods, tasks, verdicts } = analyseBaselines(trials, ["a"], ALL);
  expect(methods).toEqual(["none", ALL, "full", "random"]);
  expect(tasks[0]!.cells.map((cell) => cell?.mean)).toEqual([0.45, 0.855, 0.95, 0.6].map((v) => expect.closeTo(v, 12)));
  expect(tasks[0]!.cells[0]!.deviation).toBeCloseTo(0.1 / Math.SQRT2, 12);
  expect(tasks[0]!.cells[3]!.best).toBeCloseTo(0.6, 12);
  // +40.5 ± 12.7 · 0.5 points; −9.5 ± 12.7 · 0.5.
  expect(verdicts.map(({ outcome }) => outcome)).toEqual(["confirmed", "not confirmed"]);
});

test("each experiment is a study that anyone could write", () => {
  const settings = experiments.edges.settings({ states: 25 });
  expect(settings).toMatchObject({
    measureSize: 2000,
    seeds: 2,
    sampler: "grid",
    space: { stride: 3, rank: 32, count: 1 },
  });
  expect(experiments.correlation.settings({ states: 25 })).toEqual(settings);
  expect(experiments.random.settings({ states: 13, tasks: ["a.csv"] })).toMatchObject({
    measureSize: 0,
    trials: 50,
    space: { count: 12 },
  });
  for (const { name, settings: make } of Object.values(experiments))
    expect(make({ states: 25, tasks: ["count"], epochs: 1 }), name).toMatchObject({
      tasks: ["count"],
      training: { epochs: 1 },
    });
});

test("a study that has not come to its end leaves every claim unclear, whatever the numbers say", () => {
  const settings = experiments.places.settings({ states: 7, tasks: ["a", "b"] });
  const trials = madeUpTrials([
    ...placesOf("a", (from) => 0.9 - 0.05 * from),
    ...placesOf("b", (from) => 0.6 + 0.05 * from),
  ]);
  const outcomes = (isDone: boolean) =>
    analyseExperiment("places", { settings, trials, isComplete: isDone }).verdicts.map(({ outcome }) => outcome);
  expect(outcomes(true)).toEqual(["confirmed", "confirmed"]);
  expect(outcomes(false)).toEqual(["unclear", "unclear"]);
  const record = {
    name: "s",
    settings,
    backbone: { name: "b", hash: "", states: 7 },
    data: {},
    metrics: {},
    createdAt: 0,
  };
  const head = madeUpTrials(
    ["a", "b"].map((task) => ({ task, method: "none", origin: "baseline", validation: [0, 0] })),
  );
  expect(isComplete(record, [...head, ...trials])).toBe(true);
  expect(isComplete(record, trials)).toBe(false);
});

describe("the test split is met once", () => {
  const settings = experiments.random.settings({ states: 25, tasks: ["a"], draws: 2 });
  const trials = madeUpTrials([
    { method: ALL, origin: "baseline", validation: [0.8] },
    { method: "0-1@r8", origin: "random", validation: [0.7] },
    { method: "1-2@r8", origin: "random", validation: [0.9] },
  ]);
  const met = (method: string, seed: number) => ({ task: "a", method, seed, validation: 0, test: 0, seconds: 1 });

  test("by the draw that validation chose and by every place, once all draws are done", () => {
    expect(testJobs({ settings, trials }, 2)).toEqual([
      // Seed 0 was there when it was chosen.
      { task: "a", method: "1-2@r8", seed: 1 },
      { task: "a", method: ALL, seed: 1 },
      { task: "a", method: "1-2@r8", seed: 2 },
      { task: "a", method: ALL, seed: 2 },
    ]);
    expect(testJobs({ settings, trials: trials.slice(0, 2) }, 2)).toEqual([]);
  });

  test("what was done is not done again, and another choice is not tested", () => {
    const tested = [met("1-2@r8", 1), met(ALL, 1)];
    expect(testJobs({ settings, trials, tested }, 2).map(({ seed }) => seed)).toEqual([2, 2]);
    expect(testJobs({ settings, trials, tested: [met("0-1@r8", 0)] }, 2)).toEqual([]);
  });
});
