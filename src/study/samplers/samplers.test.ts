import { describe, expect, test } from "vitest";
import { parsePlacement } from "../../adapters/index.ts";
import { mean, pairedInterval, random } from "../../base/index.ts";
import { gga } from "../../selection/index.ts";
import type { Space } from "../space.ts";
import type { Candidate, Trial, TrialState } from "../trial.ts";
import type { Sampler } from "./sampler.ts";
import { openSampler, type SamplerName, samplers } from "./samplers.ts";

const states = 9;
const spaceOf = (given: Partial<Space> = {}): Space => ({
  states,
  edges: Array.from({ length: states ** 2 }, (_, at) => ({ from: Math.floor(at / states), to: at % states })),
  count: [1, 1],
  ranks: [8],
  ...given,
});

const scores = {
  matrix: Array.from({ length: states }, (_, i) =>
    Array.from({ length: states }, (_, j) => 1 + ((7 * i + 3 * j) % 11)),
  ),
};

/** Draws `count` candidates, each tried at once with what `metricOf` says; ends where the sampler does. */
function search(
  sampler: Sampler,
  space: Space,
  count: number,
  metricOf: (candidate: Candidate, number: number) => number | undefined,
  { seed = 0, guide = scores, stateOf = () => "failed" as TrialState } = {},
): Trial[] {
  const trials: Trial[] = [];
  for (let number = 0; number < count; number++) {
    const candidate = sampler.suggest({
      space,
      index: number,
      trials,
      objectives: ["metric"],
      random: random(seed, number),
      scores: guide,
    });
    if (!candidate) break;
    const metric = metricOf(candidate, number);
    const values = metric === undefined ? undefined : { metric, parameters: 1 };
    const state = values ? "complete" : stateOf();
    trials.push({ task: "t", number, candidate, origin: sampler.name, state, runs: [], values });
  }
  return trials;
}

const methodsOf = (trials: readonly Trial[]) => trials.map(({ candidate }) => candidate.method);
const keysOf = (trials: readonly Trial[]) => trials.map(({ candidate }) => JSON.stringify(candidate));

describe.each(Object.keys(samplers) as SamplerName[])("%s keeps the contract", (name) => {
  const sampler = openSampler(name);
  const most = name === "grid" ? 1 : 4;
  const wide = spaceOf({ count: [1, most], ranks: [4, 16, 8], learningRate: [1e-4, 1e-2], initScale: [0.1, 0.1] });
  const noisy = (_: Candidate, number: number) => random(3, number).next();

  test("candidates lie in the space and are written one way", () => {
    const trials = search(sampler, wide, 60, noisy);
    expect(trials).toHaveLength(60);
    for (const { candidate } of trials) {
      const placement = parsePlacement(candidate.method, { states });
      const places = placement.map(({ from, to }) => from * states + to);
      expect(places).toEqual(places.toSorted((a, b) => a - b));
      expect(placement.length >= 1 && placement.length <= most).toBe(true);
      expect([4, 8, 16]).toContain(placement[0]!.rank);
      expect(new Set(placement.map(({ rank }) => rank)).size).toBe(1);
      expect(candidate.learningRate! >= 1e-4 && candidate.learningRate! <= 1e-2).toBe(true);
      expect(candidate.initScale).toBe(0.1);
    }
  });

  test("equal requests give equal candidates", () => {
    expect(search(sampler, wide, 40, noisy)).toEqual(search(sampler, wide, 40, noisy));
  });

  test("another seed gives others, but for the grid", () => {
    const [one, other] = [0, 1].map((seed) => keysOf(search(sampler, wide, 40, noisy, { seed })));
    if (name === "grid") expect(one).toEqual(other);
    else expect(one).not.toEqual(other);
  });

  test("results count where it is adaptive, and nowhere else", () => {
    const rising = search(sampler, wide, 60, (_, number) => number);
    const falling = search(sampler, wide, 60, (_, number) => -number);
    if (sampler.adaptive) expect(rising).not.toEqual(falling);
    else expect(methodsOf(rising)).toEqual(methodsOf(falling));
  });

  test("where it is not adaptive, any number of workers finds the same", () => {
    if (sampler.adaptive) return;
    expect(keysOf(search(sampler, wide, 40, () => undefined, { stateOf: () => "running" }))).toEqual(
      keysOf(search(sampler, wide, 40, noisy)),
    );
  });

  test.each(["failed", "pruned", "running", "waiting"] as const)("it goes on where all trials are %s", (state) => {
    expect(search(sampler, wide, 40, () => undefined, { stateOf: () => state })).toHaveLength(40);
  });

  test("a metric that is no number does not stop it", () => {
    expect(search(sampler, wide, 40, (_, number) => (number % 2 ? Number.NaN : 0.5))).toHaveLength(40);
  });

  test("where it promises so, it ends when every candidate was tried, each once", () => {
    const small = spaceOf({ edges: spaceOf().edges.slice(0, 5), ranks: [2, 4, 8] });
    const trials = search(sampler, small, 40, noisy);
    if (!sampler.distinct) return expect(trials).toHaveLength(40);
    expect(trials).toHaveLength(5 * 3);
    expect(new Set(keysOf(trials)).size).toBe(5 * 3);
    if (sampler.size) expect(sampler.size(small)).toBe(5 * 3);
  });

  test("baselines and trials from outside the space are no hindrance", () => {
    const foreign = ["lora:q,v@r8", "none", "0-1@r8", "0-1@r999", "0-99@r8"].map(
      (method, number): Trial => ({
        task: "t",
        number,
        candidate: { method },
        origin: method === "0-1@r8" ? "baseline" : "random",
        state: "complete",
        runs: [],
        values: { metric: 9, parameters: 1 },
      }),
    );
    const ask = (trials: Trial[]) =>
      sampler.suggest({ space: spaceOf(), index: 0, trials, objectives: ["metric"], random: random(0), scores });
    expect(ask(foreign)).toEqual(ask([]));
  });

  test("it names itself and its source", () => {
    expect(samplers[name].summary).not.toBe("");
    expect(samplers[name].source).toMatch(/\d{4}/);
  });
});

describe("what the settings name", () => {
  test.each([
    ["evolutoin", "UNKNOWN_SAMPLER", 'did you mean "evolution"'],
    [{ name: "evolution", populatin: 3 }, "OPTIONS", 'did you mean "population"'],
    [{ name: "evolution", population: 1 }, "OPTIONS", '"population": 1'],
    [{ name: "grid", stride: 3 }, "OPTIONS", "takes no options"],
    ["constructor", "UNKNOWN_SAMPLER", "There are random"],
  ] as const)("%j is refused", (setting, code, message) => {
    const open = () => openSampler(setting);
    expect(open).toThrow(expect.objectContaining({ code }));
    expect(open).toThrow(message);
  });
});

test("random draws every edge equally often, counts and rates too, the rates by their logarithm", () => {
  const space = spaceOf({ edges: spaceOf().edges.slice(0, 9), count: [1, 3], learningRate: [1e-4, 1e-2] });
  const trials = search(openSampler("random"), space, 1800, () => 0);
  const hits = new Map<string, number>();
  for (const method of methodsOf(trials))
    for (const edge of method.split(",")) hits.set(edge, (hits.get(edge) ?? 0) + 1);
  // A draw holds an edge with probability (1 + 2 + 3) / 3 / 9 = 2/9: mean 400, standard deviation below √(1800 · 2/9 · 7/9).
  expect(hits.size).toBe(9);
  for (const count of hits.values()) expect(Math.abs(count - 400)).toBeLessThan(5 * 17.6);
  const below = trials.filter(({ candidate }) => candidate.learningRate! < 1e-3).length;
  expect(Math.abs(below - 900)).toBeLessThan(5 * Math.sqrt(1800 / 4));
});

test("the grid is its edges in row order at the middle rate, then at the ends", () => {
  const space = spaceOf({ edges: spaceOf().edges.slice(0, 27), learningRate: [1e-4, 1e-2], ranks: [4, 8] });
  const grid = openSampler("grid");
  const trials = search(grid, space, 1000, () => 0);
  expect(trials).toHaveLength(27 * 2 * 3);
  expect(grid.size!(space)).toBe(27 * 2 * 3);
  expect(trials[1]!.candidate).toEqual({ method: "0-1@r4", learningRate: 1e-3, initScale: undefined });
  expect(trials[27]!.candidate).toMatchObject({ method: "0-0@r8", learningRate: 1e-3 });
  expect(trials[54]!.candidate).toMatchObject({ method: "0-0@r4", learningRate: 1e-4 });
  expect(trials.at(-1)!.candidate).toMatchObject({ method: "2-8@r8", learningRate: 1e-2 });
});

test("the grid refuses sets of edges and says what to do", () => {
  const ask = () => openSampler("grid").size!(spaceOf({ count: [1, 24] }));
  expect(ask).toThrow(expect.objectContaining({ code: "GRID_COUNT" }));
  expect(ask).toThrow(/count \[1, 24\].*count: 1/);
});

test("scores begin with what GGA takes", () => {
  const [first] = search(openSampler("scores"), spaceOf({ count: [5, 5] }), 1, () => 0);
  const matrix = scores.matrix.map((row, i) => row.map((score, j) => score + 0.01 * i + 0.001 * j)); // no ties
  const [distinct] = search(openSampler("scores"), spaceOf({ count: [5, 5] }), 1, () => 0, { guide: { matrix } });
  const sorted = (method: string) => method.split(",").toSorted();
  const expected = gga({ matrix }, { count: 5 }).placement.map(({ from, to }) => `${from}-${to}@r8`);
  expect(sorted(distinct!.candidate.method)).toEqual(expected.toSorted());
  expect(first!.candidate.method.split(",")).toHaveLength(5);
});

test("scores prefer an edge as the softmax of its score says", () => {
  // Two edges of score 1 and 3: σ = √2. At temperature 1/√2 the unit is 1, and the odds are e² : 1.
  const space = spaceOf({ edges: spaceOf().edges.slice(0, 2) });
  const guide = { matrix: [[1, 3], ...Array.from({ length: 8 }, () => [0, 0])] };
  const sampler = openSampler({ name: "scores", temperature: Math.SQRT1_2 });
  let second = 0;
  for (let seed = 0; seed < 1000; seed++) {
    const request = { space, index: 1, trials: [], objectives: ["metric" as const], scores: guide };
    const candidate = sampler.suggest({ ...request, random: random(seed) });
    if (candidate!.method === "0-1@r8") second++;
  }
  const p = Math.E ** 2 / (1 + Math.E ** 2);
  expect(Math.abs(second - 1000 * p)).toBeLessThan(5 * Math.sqrt(1000 * p * (1 - p)));
});

test("evolution changes one thing of a living parent", () => {
  const space = spaceOf({ count: [1, 4], ranks: [4, 8], learningRate: [1e-4, 1e-2] });
  const trials = search(openSampler({ name: "evolution", population: 5 }), space, 60, (_, number) =>
    random(number).next(),
  );
  for (const [k, trial] of trials.entries()) {
    if (k < 5) continue;
    const changes = trials.slice(k - 5, k).map((parent) => changesBetween(parent.candidate, trial.candidate));
    expect(Math.min(...changes)).toBe(1);
  }
});

function changesBetween(a: Candidate, b: Candidate): number {
  const edges = ({ method }: Candidate) => method.split(",").map((entry) => entry.split("@")[0]!);
  const gone = edges(a).filter((edge) => !edges(b).includes(edge)).length;
  const come = edges(b).filter((edge) => !edges(a).includes(edge)).length;
  const rank = ({ method }: Candidate) => method.split("@")[1]!.split(",")[0]!;
  return Math.max(gone, come) + Number(rank(a) !== rank(b)) + Number(a.learningRate !== b.learningRate);
}

/** Metric of a set: the mean over its edges of a bump on the plane. A seed moves its peak. */
function landscape(seed: number) {
  const peak = { from: random(seed, 1).int(states), to: random(seed, 2).int(states) };
  const at = (from: number, to: number) => Math.exp(-((from - peak.from) ** 2 + (to - peak.to) ** 2) / (2 * 2.5 ** 2));
  return {
    matrix: Array.from({ length: states }, (_, i) => Array.from({ length: states }, (_, j) => at(i, j))),
    truth: ({ method }: Candidate) => mean(parsePlacement(method, { states }).map(({ from, to }) => at(from, to))),
  };
}

/** True metric of the trial that measured best, noise of deviation 0.1 left out. */
function found(name: SamplerName, seed: number, count: number): number {
  const { truth, matrix } = landscape(seed);
  // Scores see the surface as gradients might: through noise as large as a third of its height.
  const guide = { matrix: matrix.map((row, i) => row.map((z, j) => Math.max(0, z + random(seed, i, j).normal() / 3))) };
  const measured = (candidate: Candidate, number: number) => truth(candidate) + 0.1 * random(seed, 9, number).normal();
  const trials = search(openSampler(name), spaceOf({ count: [3, 3] }), count, measured, { seed, guide });
  const best = trials.reduce((a, b) => (b.values!.metric > a.values!.metric ? b : a));
  return truth(best.candidate);
}

test.each(["scores", "evolution", "tpe"] as const)(
  "%s beats random on a smooth noisy surface: 95 % interval of the difference over 20 seeds above 0",
  (name) => {
    const seeds = Array.from({ length: 20 }, (_, seed) => seed);
    // 80 trials: at 50, twenty seeds are too few to tell (docs/samplers.md has both, and 100 further seeds).
    const differences = seeds.map((seed) => found(name, seed, 80) - found("random", seed, 80));
    expect(pairedInterval(differences).low).toBeGreaterThan(0);
  },
);

test("tpe and evolution move along the front of two objectives", () => {
  // The metric grows with the count and so do the parameters: good trials of both kinds must stay in play.
  for (const name of ["tpe", "evolution"] as const) {
    const sampler = openSampler(name);
    const space = spaceOf({ count: [1, 8] });
    const trials: Trial[] = [];
    for (let number = 0; number < 80; number++) {
      const candidate = sampler.suggest({
        space,
        index: number,
        trials,
        objectives: ["metric", "parameters"],
        random: random(4, number),
        scores: undefined,
      })!;
      const parameters = candidate.method.split(",").length;
      const values = { metric: landscape(4).truth(candidate) + parameters / 8, parameters };
      trials.push({ task: "t", number, candidate, origin: name, state: "complete", runs: [], values });
    }
    const counts = trials.slice(40).map(({ values }) => values!.parameters);
    expect(Math.min(...counts)).toBeLessThanOrEqual(2);
    expect(Math.max(...counts)).toBeGreaterThanOrEqual(7);
  }
});
