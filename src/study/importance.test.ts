import { expect, test } from "vitest";
import { random } from "../base/index.ts";
import { importance } from "./importance.ts";
import type { Candidate, Trial } from "./trial.ts";

const trialOf = (number: number, candidate: Candidate, metric: number, origin = "random"): Trial => ({
  task: "t",
  number,
  candidate,
  origin,
  state: "complete",
  runs: [],
  values: { metric, parameters: 1 },
});

const shareOf = (trials: readonly Trial[], factor: string) =>
  importance(trials, { states: 25 }).find((one) => one.factor === factor)?.share;

test("one way: η² corrected for its levels, by hand", () => {
  // Ranks 4 and 8 with metrics 1, 2, 3 and 4, 5, 6: between 13.5, total 17.5; ε² = 1 − (4 / 17.5) · 5/4.
  const trials = [1, 2, 3, 4, 5, 6].map((metric, k) => trialOf(k, { method: `0-0@r${k < 3 ? 4 : 8}` }, metric));
  const [only, ...others] = importance(trials, { states: 25 });
  expect(others).toEqual([]);
  expect(only).toMatchObject({
    factor: "rank",
    levels: [
      { label: "4", trials: 3, mean: 2 },
      { label: "8", trials: 3, mean: 5 },
    ],
  });
  expect(only!.share).toBeCloseTo(1 - (4 / 17.5) * (5 / 4), 12);
});

test("of several edges a trial, shares of a kind explain: half recurrent is half way", () => {
  // Metric = share of recurrent edges, exactly: R² = 1 on the shares; categories could not say that.
  const methods = ["0-1@r8,1-2@r8", "5-1@r8,1-2@r8", "5-1@r8,5-2@r8", "3-1@r8,2-3@r8", "7-1@r8,6-1@r8"];
  const trials = methods.map((method, k) => trialOf(k, { method }, [0, 0.5, 1, 0.5, 1][k]!));
  const kind = importance(trials, { states: 25 }).find(({ factor }) => factor === "kind")!;
  expect(kind.share).toBeCloseTo(1, 12);
  expect(kind.levels).toEqual([
    { label: "parallel", trials: 2, mean: 0.25 }, // (0 · 1 + 0.5 · 1/2 + 0.5 · 1/2) / 2
    { label: "recurrent", trials: 3, mean: 2.5 / 3 }, // (1 · 1 + 1 · 1 + 0.5 · 1/2 + 0.5 · 1/2) / 3
  ]);
});

test("what makes the metric comes first, and noise counts about nothing", () => {
  const { int, normal, uniform } = random(3);
  const trials = Array.from({ length: 300 }, (_, k) => {
    const to = int(25);
    const candidate = { method: `${int(25)}-${to}@r${[4, 8][int(2)]}`, learningRate: Math.exp(uniform(-9, -4)) };
    return trialOf(k, candidate, to + normal());
  });
  const found = importance(trials, { states: 25 });
  expect(found[0]!.factor).toBe("to");
  // Five levels of width 5 leave a fifth of the width inside: 1 − 1/25 of the variance, less the noise's 1 of 53.
  expect(found[0]!.share).toBeGreaterThan(0.9);
  for (const factor of ["from", "rank", "learningRate"]) expect(shareOf(trials, factor)!).toBeLessThan(0.05);
  expect(found[0]!.levels.map(({ label }) => label)).toEqual(["0–4", "5–9", "10–14", "15–19", "20–24"]);
});

test("baselines, other methods, unfinished trials and settings that never change do not count", () => {
  const trials = [1, 2, 3, 4].map((metric, k) => trialOf(k, { method: `0-${k % 2}@r8` }, metric));
  const others: Trial[] = [
    trialOf(4, { method: "0-1@r64" }, 99, "baseline"),
    trialOf(5, { method: "lora:q,v@r8" }, 99),
    { ...trialOf(6, { method: "9-9@r64" }, 99), state: "failed", values: undefined },
    trialOf(7, { method: "9-9@r64" }, Number.NaN),
  ];
  expect(importance([...trials, ...others], { states: 25 })).toEqual(importance(trials, { states: 25 }));
  expect(
    importance(trials, { states: 25 })
      .map(({ factor }) => factor)
      .toSorted(),
  ).toEqual(["kind", "to"]);
});

test("too few trials say nothing", () => {
  expect(importance([], { states: 25 })).toEqual([]);
  expect(
    importance([trialOf(0, { method: "0-0@r4" }, 1), trialOf(1, { method: "0-0@r8" }, 2)], { states: 25 }),
  ).toEqual([]);
});
