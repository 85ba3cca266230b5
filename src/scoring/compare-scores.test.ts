import fc from "fast-check";
import { expect, test } from "vitest";
import { random, spearman } from "../base/index.ts";
import { compareScores, rankDifference } from "./compare-scores.ts";

const scoresOf = (n: number, value: (from: number, to: number) => number) => ({
  matrix: Array.from({ length: n }, (_, from) => Array.from({ length: n }, (_, to) => value(from, to))),
});
const few = { permutations: 99 };

test("scores against themselves: 1 everywhere, all of the best shared, no difference", () => {
  const a = scoresOf(9, (from, to) => 9 * from + to);
  const { spearman: all, byKind, top } = compareScores(a, a, few);
  expect(all.value).toBeCloseTo(1, 12);
  expect(Object.values(byKind).map(({ edges, value }) => [edges, Number(value.toFixed(12))])).toEqual([
    [9, 1],
    [8, 1],
    [28, 1],
    [36, 1],
  ]);
  // Of 81 edges: 5 % are 4, 10 % are 8, and ten.
  expect(top.map(({ count, shared, byChance }) => [count, shared, byChance])).toEqual([
    [4, 4, 16 / 81],
    [8, 8, 64 / 81],
    [10, 10, 100 / 81],
  ]);
  expect(rankDifference(a, a).flat()).toEqual(new Array(81).fill(0));
});

test("turned round they correlate with −1 and share none of the best; the difference is that of the ranks", () => {
  const a = scoresOf(5, (from, to) => 5 * from + to);
  const b = scoresOf(5, (from, to) => 24 - 5 * from - to);
  expect(compareScores(a, b, few).spearman.value).toBeCloseTo(-1, 12);
  expect(compareScores(a, b, few).top[0]).toEqual({ count: 1, shared: 0, byChance: 1 / 25 });
  expect(rankDifference(a, b).flat().slice(0, 3)).toEqual([-1, -22 / 24, -20 / 24]);
  expect(rankDifference(a, b)[4]![4]).toBe(1);
});

test("equal scores at the limit count as a draw would share them out", () => {
  // Every edge of b is equal: each is among its best 10 of 25 with 10 / 25.
  const a = scoresOf(5, (from, to) => 5 * from + to);
  const b = scoresOf(5, () => 3);
  const { spearman: all, top } = compareScores(a, b, few);
  expect(all.value).toBeNaN();
  expect(top.at(-1)!.count).toBe(10);
  expect(top.at(-1)!.shared).toBeCloseTo(10 * (10 / 25), 12);
});

test("of unrelated scores about as many are shared as by chance; swapping sides changes nothing but signs", () => {
  const { next } = random(4);
  const side = () => scoresOf(25, next);
  const [a, b] = [side(), side()];
  const forth = compareScores(a, b, few);
  const back = compareScores(b, a, few);
  expect(forth.spearman.value).toBe(spearman(a.matrix.flat(), b.matrix.flat()));
  expect(back.spearman.value).toBeCloseTo(forth.spearman.value, 12);
  expect(back.top).toEqual(forth.top);
  const { count, shared, byChance } = forth.top.at(-1)!;
  expect(count).toBe(63); // 10 % of 625
  expect(Math.abs(shared - byChance)).toBeLessThan(4 * Math.sqrt(byChance)); // 6.4, and its deviation is below 2.6
});

test("any pair: what is shared lies between none and all", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), fc.integer(), fc.integer(), (n, x, y) => {
      const of = (seed: number) => {
        const { int } = random(seed);
        return scoresOf(n, () => int(4)); // many ties
      };
      for (const { count, shared } of compareScores(of(x), of(y), { permutations: 3 }).top) {
        expect(shared).toBeGreaterThanOrEqual(0);
        expect(shared).toBeLessThanOrEqual(count + 1e-9);
      }
      expect(
        rankDifference(of(x), of(y))
          .flat()
          .every((value) => Math.abs(value) <= 1),
      ).toBe(true);
    }),
    { seed: 1, numRuns: 50 },
  );
});

test("with a stride only what both scored is compared: zeros of the rest are no likeness", () => {
  const { next } = random(5);
  const side = () => ({ ...scoresOf(25, (from, to) => (from % 3 || to % 3 ? 0 : next())), stride: 3 });
  const [a, b] = [side(), side()];
  const of = ({ matrix }: typeof a) =>
    matrix.filter((_, i) => i % 3 === 0).map((row) => row.filter((_, j) => j % 3 === 0));
  const found = compareScores(a, b, few);
  expect(found.states).toEqual([0, 3, 6, 9, 12, 15, 18, 21, 24]);
  expect(found.spearman.value).toBe(spearman(of(a).flat(), of(b).flat()));
  expect(Math.abs(found.spearman.value)).toBeLessThan(4 / Math.sqrt(80)); // of 81 unrelated pairs
  // Between states three apart nothing is parallel.
  expect(Object.values(found.byKind).map(({ edges }) => edges)).toEqual([9, 0, 36, 36]);
  expect(found.top.map(({ count, byChance }) => [count, byChance])).toEqual([
    [4, 16 / 81],
    [8, 64 / 81],
    [10, 100 / 81],
  ]);
  expect(rankDifference(a, b)).toHaveLength(9);
  expect(rankDifference(a, a).flat()).toEqual(new Array(81).fill(0));
});

test("strides that differ meet at the states of both", () => {
  const whole = scoresOf(25, (from, to) => 25 * from + to);
  const some = (stride: number) => ({
    ...scoresOf(25, (from, to) => (from % stride || to % stride ? 0 : 25 * from + to)),
    stride,
  });
  expect(compareScores(whole, some(8), few)).toMatchObject({ states: [0, 8, 16, 24], estimates: [0, 0] });
  expect(compareScores(whole, some(8), few).spearman.value).toBeCloseTo(1, 12);
  expect(compareScores(some(4), some(6), few).states).toEqual([0, 12, 24]);
  expect(() => compareScores(some(5), some(7))).toThrow(expect.objectContaining({ code: "SCORES_MISMATCH" }));
  expect(() => compareScores(some(5), some(7))).toThrow("one has stride 5, the other 7: state 0 alone is in both");
});

test("estimates of a coarse pass are counted, on either side", () => {
  const a = scoresOf(3, (from, to) => from + to);
  const coarse = {
    columns: 2,
    error: 1,
    exact: [
      { from: 0, to: 0 },
      { from: 2, to: 2 },
    ],
  };
  expect(compareScores(a, { ...a, coarse }, few).estimates).toEqual([0, 7]);
  expect(compareScores({ ...a, stride: 2, coarse }, a, few).estimates).toEqual([2, 0]);
});

test("other numbers of states are refused", () => {
  expect(() =>
    compareScores(
      scoresOf(3, () => 1),
      scoresOf(5, () => 1),
    ),
  ).toThrow(expect.objectContaining({ code: "SCORES_MISMATCH" }));
});
