import { beforeAll, describe, expect, test } from "vitest";
import { tinyPreNorm, tinyTask } from "../../test/support/tiny-backbone.ts";
import type { Edge } from "../adapters/index.ts";
import type { Backbone } from "../backbone/index.ts";
import { GraftError } from "../base/index.ts";
import { standings } from "../objective/index.ts";
import { type EdgeScores, edgeCoupling, scoreEdges } from "../scoring/index.ts";
import type { ImageTask } from "../tasks/index.ts";
import { evaluateWithout, fitTaskHead, type Head, type Trained, TrainOptions, train } from "../training/index.ts";
import { type ChooseMethodCall, chooseMethod, choosingWork } from "./choose-method.ts";
import { enough, pointsOf } from "./enough.ts";
import { openBudget, parseMethod, select } from "./index.ts";
import { parseSelector } from "./parse-selector.ts";
import { pruneSelector } from "./prune.ts";
import { raceSelector } from "./race.ts";
import { type TaskSelectorName, taskSelectors } from "./task-selectors.ts";

let backbone: Backbone;
let head: Head;
let plain: EdgeScores;
const whole = tinyTask({ train: 32, validation: 18, noise: 0.8 });
const unseen = { ...whole.test, pixels: () => expect.fail("a test example was looked at") };
const task: ImageTask = { ...whole, test: unseen };
const options = { epochs: 2, batchSize: 16, threads: 1, seed: 5 } as const;
const scoring = { threads: 1, seed: 5 } as const;
const choose = (text: string, call: ChooseMethodCall = {}) =>
  chooseMethod(text, backbone, task, { options, head, scores: plain, selecting: { seeds: 2 }, ...call });
const namesOf = (edges: readonly Edge[]) => edges.map(({ from, to }) => `${from}-${to}`);

beforeAll(async () => {
  backbone = await tinyPreNorm();
  head = await fitTaskHead(backbone, task, TrainOptions.parse({ threads: 1 }));
  plain = await scoreEdges(backbone, task, scoring);
});

/** How each is asked for some edges. */
const cases: Record<TaskSelectorName, (count: number) => string> = {
  diverse: (count) => `diverse:${count}`,
  greedy: (count) => `greedy:${count}`,
  race: (count) => `race:${count}`,
  prune: (count) => `prune:${count}`,
  auto: (count) => `auto:${count}`,
};

describe.each(Object.entries(cases))("%s keeps the contract", (name, text) => {
  const selector = taskSelectors[name as TaskSelectorName];

  test("distinct edges with score and rank, the same each time; what it trained is told", async () => {
    const told: string[] = [];
    const chosen = await choose(`${text(2)}@r3`, {
      onTrial: ({ placement, seed }) => told.push(`${namesOf(placement)} ${seed}`),
    });
    const { placement, edges } = chosen.selection!;
    expect(placement.length).toBeLessThanOrEqual(2);
    expect(new Set(namesOf(placement)).size).toBe(placement.length);
    expect(placement.map(({ rank }) => rank)).toEqual(placement.map(() => 3));
    for (const { score } of edges) expect(score).toBeGreaterThan(0);
    expect(chosen.method).toMatchObject({ kind: "adapters", placement });
    const { trainings, epochs } = choosingWork(parseMethod(text(2)), options.epochs, { seeds: 2 });
    expect(chosen.trials.length).toBeLessThanOrEqual(trainings);
    expect(chosen.trials.reduce((sum, trial) => sum + trial.epochs, 0)).toBeLessThanOrEqual(epochs);
    expect(told).toEqual(chosen.trials.map((trial) => `${namesOf(trial.placement)} ${trial.seed}`));

    const again = await choose(`${text(2)}@r3`);
    expect(again.selection).toEqual(chosen.selection);
    expect(again.trials.map(({ validation }) => validation)).toEqual(chosen.trials.map(({ validation }) => validation));
  });

  test("none are none, and one more than there are is refused", async () => {
    expect((await choose(text(0))).selection!.placement).toEqual([]);
    await expect(choose(text(26))).rejects.toMatchObject({ code: "COUNT_OUT_OF_RANGE" });
  });

  test("it keeps to a budget, and says where nothing fits", async () => {
    const at = async (maxParameters: number) =>
      choose(`${text(2)}@r2`, { budget: await openBudget(backbone, { maxParameters }) });
    const { selection } = await at(120); // one adapter of rank 2 takes 115
    expect(selection!.placement.length).toBeLessThanOrEqual(1);
    expect(selection!.unfilled).toBe(1);
    await expect(at(100)).rejects.toMatchObject({ code: "OVER_BUDGET" });
  });

  test("it keeps to a latency, which no recurrent edge does that makes sub-layers run twice", async () => {
    const { costOf } = (await openBudget(backbone, { maxLatency: 9 }))!;
    const maxLatency = costOf([{ from: 0, to: 1, rank: 2 }]).latency! + 1e-9;
    const { selection } = await choose(`${text(2)}@r2`, { budget: await openBudget(backbone, { maxLatency }) });
    expect(selection!.placement.length).toBeLessThanOrEqual(1);
    for (const { from, to } of selection!.placement) expect(from).toBeLessThanOrEqual(to);
    expect(selection!.cost!.latency).toBeLessThanOrEqual(maxLatency);
    expect(selection!.unfilled).toBe(1);
  });

  test("an abort ends it", async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const abort = () => controller.abort();
    await expect(choose(text(2), { signal, onTrial: abort, onProgress: abort })).rejects.toThrow(/abort/i);
  });

  test("without a task it says who chooses, and its usage is what it parses", () => {
    const ask = () => select(text(2), { states: 5, scores: plain });
    expect(ask).toThrow(expect.objectContaining({ code: "TASK_NEEDED" }));
    expect(ask).toThrow(`graft select --place ${text(2)} --task NAME`);
    expect(parseSelector(selector.usage)).toMatchObject({ selector: name });
    expect(parseSelector(`${text(2)}@7@r16`)).toEqual({ selector: name, count: 2, seed: 7, rank: 16 });
  });
});

test("diverse takes the best edge, then what keeps most of its score beside those taken", async () => {
  const { selection } = await choose("diverse:3");
  const { cosine } = await edgeCoupling(backbone, task, scoring);
  const taken: Edge[] = [];
  for (const { from, to } of selection!.edges) {
    const keeps = (edge: Edge) =>
      taken.reduce((score, one) => score * (1 - Math.abs(cosine(one, edge))), plain.matrix[edge.from]![edge.to]!);
    const free = plain.matrix.flatMap((row, i) => row.map((_, j) => ({ from: i, to: j })));
    const most = Math.max(...free.filter((edge) => !namesOf(taken).includes(`${edge.from}-${edge.to}`)).map(keeps));
    expect(keeps({ from, to })).toBeCloseTo(most, 9);
    taken.push({ from, to });
  }
  expect(namesOf(taken)).not.toEqual(namesOf(select("top:3", { states: 5, scores: plain, seed: 5 }).edges));
});

test("greedy takes the best edge, trains it, and takes the best of what is left as scored behind it", async () => {
  const { selection } = await choose("greedy:3@r4", { selecting: { epochs: 1 } });
  const taken: Edge[] = [];
  let scores = plain;
  for (let round = 0; round < 3; round++) {
    if (round > 0) {
      const placement = taken.map((edge) => ({ ...edge, rank: 4 }));
      const after = await train(backbone, task, placement, { head, options: { ...options, epochs: 1 } });
      scores = await scoreEdges(backbone, task, { ...scoring, after });
    }
    const left = scores.matrix.flatMap((row, from) =>
      row.map((score, to) => ({ from, to, score, second: scores.tieBreak![from]![to]! })),
    );
    const free = left.filter(({ from, to }) => !namesOf(taken).includes(`${from}-${to}`));
    const [best] = free.sort((a, b) => b.score - a.score || b.second - a.second);
    expect(selection!.edges[round]).toMatchObject({ from: best!.from, to: best!.to, score: best!.score });
    taken.push(best!);
  }
});

test("race trains each drawn edge alone and takes those that stand highest by metric and loss together", async () => {
  const { selection, trials } = await choose("race:2@r2", { scores: undefined });
  expect(trials).toHaveLength(24);
  expect(new Set(trials.map(({ placement }) => namesOf(placement)[0])).size).toBe(24);
  expect(trials.every(({ placement, seed, epochs }) => placement.length === 1 && seed === 5 && epochs === 1)).toBe(
    true,
  );
  const shares = standings(trials.map(({ validation }) => validation));
  const order = trials.map((_, k) => k).sort((a, b) => shares[b]! - shares[a]!);
  expect(selection!.placement).toEqual(order.slice(0, 2).map((k) => trials[k]!.placement[0]));
  expect(selection!.edges.map(({ score }) => score)).toEqual(order.slice(0, 2).map((k) => shares[k]));
  expect(choosingWork(parseMethod("race:3"), 4)).toMatchObject({ scorings: 0, trainings: 24, epochs: 24, passes: 0 });
  expect(choosingWork(parseMethod("race:20"), 4).trainings).toBe(40);
});

test("race goes on where an adapter cannot be trained", async () => {
  const places = (edges: readonly Edge[]) => namesOf(edges)[0];
  const seen: (string | undefined)[] = [];
  const request = { states: 3, count: 1, seed: 1, gamma: undefined, seeds: [1] };
  const choice = await raceSelector.choose({
    ...request,
    score: () => expect.fail("no scores are needed"),
    couple: () => expect.fail("no scores are needed"),
    train: () => expect.fail("nothing is trained to the end"),
    without: () => expect.fail("nothing is removed"),
    async tryOut(edges) {
      seen.push(places(edges));
      if (seen.length !== 4) throw new GraftError("LOSS_NOT_FINITE", { thing: "step 1", place: "", remedy: "" });
      return { validation: { value: 0.2, loss: 3 } } as Trained;
    },
  });
  expect(seen).toHaveLength(9);
  expect(namesOf(choice.edges)).toEqual([seen[3]]);
  const fail = () => Promise.reject(new GraftError("ABORTED", { thing: "", place: "", remedy: "" }));
  const others = { score: fail, couple: fail, train: fail, without: fail };
  await expect(raceSelector.choose({ ...request, ...others, tryOut: fail })).rejects.toMatchObject({
    code: "ABORTED",
  });
});

test("prune halves what it trains together, and keeps what validation misses most", async () => {
  const { selection, trials } = await choose("prune:3@r2", { scores: undefined });
  // Of 25 edges all are tried: 25, 13, 7, 4.
  expect(trials.map(({ placement }) => placement.length)).toEqual([25, 13, 7, 4]);
  expect(trials.every(({ seed, epochs }) => seed === 5 && epochs === 1)).toBe(true);
  for (const [k, { placement }] of trials.entries())
    if (k > 0) expect(namesOf(trials[k - 1]!.placement)).toEqual(expect.arrayContaining(namesOf(placement)));

  const last = trials.at(-1)!.placement;
  const trained = await train(backbone, task, last, { head, options: { ...options, epochs: 1 } });
  const without = await evaluateWithout(trained, task.validation, last, { threads: 1 });
  const shares = standings(without);
  const [least] = last.map((_, k) => k).sort((a, b) => shares[b]! - shares[a]!);
  expect(namesOf(selection!.edges)).not.toContain(namesOf(last)[least!]);
  expect(selection!.scoreName).toBe("standing");
  for (const [k, edge] of last.entries())
    if (k !== least)
      expect(selection!.edges).toContainEqual(
        expect.objectContaining({ from: edge.from, to: edge.to, score: 1 + 1 / last.length - shares[k]! }),
      );
  expect(choosingWork(parseMethod("prune:3"), 4)).toEqual({
    scorings: 0,
    trainings: 4,
    epochs: 4,
    most: 48,
    passes: 90,
  });
  expect(choosingWork(parseMethod("prune:1"), 4).trainings).toBe(6);
  expect(choosingWork(parseMethod("prune:20"), 4).trainings).toBe(2);
});

test("prune takes what was left out before where a budget leaves room for nothing else, and all edges without a training", async () => {
  const request = { states: 5, count: 4, seed: 1, gamma: undefined, seeds: [1] };
  const unused = { score: () => expect.fail(), couple: () => expect.fail(), train: () => expect.fail() };
  const seen: string[][] = [];
  const choice = await pruneSelector.choose({
    ...request,
    ...unused,
    // At most one edge of each source.
    fits: (edges) => new Set(edges.map(({ from }) => from)).size === edges.length,
    async tryOut(edges) {
      seen.push(namesOf(edges));
      return {} as Trained;
    },
    // Missed are edges out of state 0, then those out of state 1, and so on.
    without: async (_, edges) => edges.map(({ from }) => ({ value: from, loss: -from })),
  });
  expect(seen.map(({ length }) => length)).toEqual([25, 13, 7]);
  expect(choice.edges.map(({ from }) => from)).toEqual([0, 1, 2, 3]);
  expect(seen[1]).not.toContain(namesOf(choice.edges)[3]);

  const all = await pruneSelector.choose({
    ...request,
    ...unused,
    count: 25,
    tryOut: () => expect.fail("nothing is left out"),
    without: () => expect.fail("nothing is left out"),
  });
  expect(all.edges).toHaveLength(25);
  expect(all.scoreName).toBeUndefined();
});

test.each([
  ["greedy:2", "an adapter"],
  ["prune:3", "25 adapters together"],
])("a training that diverges on the way is told as %s's", async (text, trained) => {
  const high = { ...options, learningRate: 1e30, headLearningRate: 1e30, warmup: 0, clipNorm: 1e30 };
  await expect(choose(text, { options: high })).rejects.toMatchObject({
    code: "LOSS_NOT_FINITE",
    place: expect.stringContaining(`where ${text} trained ${trained} to choose edges`),
    remedy: expect.stringMatching(/^Lower the learning rate.*such as gga:3$/),
  });
});

test("auto tries the beginnings of a race's list, each with the same seeds, and takes one of them", async () => {
  const { selection, trials } = await choose("auto:3@r2", { scores: undefined });
  const ranking = (await choose("race:3@r2")).selection!.placement;
  const whole = trials.slice(24);
  expect(trials.map(({ epochs }) => epochs)).toEqual([...new Array(24).fill(1), ...new Array(whole.length).fill(2)]);
  expect(whole.map(({ placement, seed }) => [namesOf(placement), seed])).toEqual(
    [0, 1, 2, 3].flatMap((count) => [5, 6].map((seed) => [namesOf(ranking.slice(0, count)), seed])),
  );
  const curve = selection!.curve!;
  expect(curve.map(({ count }) => count)).toEqual([0, 1, 2, 3]);
  expect(curve.flatMap(({ values }) => values)).toEqual(whole.map(({ validation }) => validation.value));
  expect(selection!.placement).toEqual(ranking.slice(0, enough(curve)));
});

test("auto is written without a number too: 8 at most, which is 5 numbers of adapters", () => {
  expect(parseSelector("auto@r4")).toEqual({ selector: "auto", rank: 4 });
  expect(choosingWork(parseMethod("auto"), 4)).toMatchObject({
    scorings: 0,
    trainings: 24 + 3 * 5,
    epochs: 24 + 3 * 5 * 4,
  });
  expect(choosingWork(parseMethod("greedy:3"), 4)).toMatchObject({ scorings: 3, trainings: 2, epochs: 2 });
  expect(() => parseSelector("auto:")).toThrow('"" is not a count');
  expect(() => parseSelector("greedy")).toThrow('"" is not a count');
});

describe("enough", () => {
  test("by hand: the least count within one standard error of the best, seeds paired", () => {
    // Best: 4, mean 0.7. Count 2 lacks 0.01, 0.03 and 0.02: mean 0.02, standard error 0.01 / √3 = 0.0058, too far. Count 3
    // lacks −0.02, 0.04 and 0.01: mean 0.01, standard error 0.03 / √3 = 0.0173, near enough.
    const curve = pointsOf(
      [1, 2, 3, 4],
      [
        [0.5, 0.5, 0.5],
        [0.59, 0.67, 0.78],
        [0.62, 0.66, 0.79],
        [0.6, 0.7, 0.8],
      ],
    );
    expect(curve[1]!.behind).toBeCloseTo(0.02, 12);
    expect(curve[1]!.error).toBeCloseTo(0.01 / Math.sqrt(3), 12);
    expect(enough(curve)).toBe(3);
  });

  test("a constant loss is no noise, however small; equal counts go to the least", () => {
    expect(
      enough(
        pointsOf(
          [0, 1],
          [
            [0.5, 0.6],
            [0.51, 0.61],
          ],
        ),
      ),
    ).toBe(1);
    expect(
      enough(
        pointsOf(
          [0, 1, 2],
          [
            [0.1, 0.1],
            [0.5, 0.7],
            [0.7, 0.5],
          ],
        ),
      ),
    ).toBe(1);
  });

  test("with one seed the best is taken, and a metric that is none is the least", () => {
    expect(enough(pointsOf([0, 1, 2], [[0.5], [0.52], [0.51]]))).toBe(1);
    expect(
      enough(
        pointsOf(
          [0, 1],
          [
            [Number.NaN, Number.NaN],
            [0.1, 0.2],
          ],
        ),
      ),
    ).toBe(1);
    expect(enough(pointsOf([0, 1], [[Number.NaN], [Number.NaN]]))).toBe(0);
  });
});
