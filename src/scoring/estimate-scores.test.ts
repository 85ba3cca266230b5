import { expect, test } from "vitest";
import { random } from "../base/index.ts";
import { estimateScores } from "./estimate-scores.ts";

const n = 12;
const edges = [...Array(n * n).keys()];
const draw = random(7);
const coarse = edges.map(() => 20 * draw.next());
const line = coarse.map((value) => 5 + 3 * value);
const every = (step: number, scores: readonly number[]) =>
  edges.filter((edge) => edge % step === 0).map((edge) => ({ edge, score: scores[edge]! }));

test("a score that is a line of the coarse number is found from a few, and known ones are kept", () => {
  const estimates = estimateScores(coarse, n);
  estimates.add(every(9, line));
  const { expected, errors } = estimates.estimate();
  for (const edge of edges) {
    expect(expected[edge]).toBeCloseTo(line[edge]!, 1);
    if (edge % 9 === 0) expect([expected[edge], errors[edge]]).toEqual([line[edge], 0]);
  }
});

test("what neighbours share is learned, and standard errors are no smaller than the errors", () => {
  const smooth = line.map((value, edge) => value + 4 * Math.sin(Math.floor(edge / n) / 3) + (edge % n) / 2);
  const rough = smooth.map((value) => value + 0.5 * draw.normal());
  const estimates = estimateScores(coarse, n);
  estimates.add(every(5, rough));
  const { expected, errors } = estimates.estimate();
  const open = edges.filter((edge) => edge % 5 !== 0);
  const mean = (of: (edge: number) => number) => open.reduce((sum, edge) => sum + of(edge), 0) / open.length;
  const error = Math.sqrt(mean((edge) => (expected[edge]! - rough[edge]!) ** 2));
  expect(error).toBeLessThan(1); // of differences of 2.3 (standard deviation) from the line
  const told = Math.sqrt(mean((edge) => errors[edge]! ** 2));
  expect(told / error).toBeGreaterThan(0.9);
  expect(told / error).toBeLessThan(2.5); // waves and slopes are smoother than what is assumed, so they are larger
});

test("two scores tell no standard error, three do", () => {
  const estimates = estimateScores(coarse, n);
  estimates.add(every(n * n - 1, line)); // the first edge and the last
  expect(() => estimates.estimate()).toThrow(RangeError);
  estimates.add([{ edge: 7, score: line[7]! }]);
  expect(estimates.estimate().errors.every(Number.isFinite)).toBe(true);
});

test("of whole numbers the next one may be had, however small the error", () => {
  const whole = estimateScores(coarse, n);
  whole.add(every(3, line.map(Math.round)));
  const { expected, errors } = whole.estimate();
  const open = edges.find((edge) => edge % 3 !== 0 && expected[edge]! % 1 > 0.01)!;
  expect(whole.most(0)[open]).toBe(Math.ceil(expected[open]!));
  expect(whole.most(3)[0]).toBe(Math.round(line[0]!)); // known
  const real = estimateScores(coarse, n);
  real.add(every(3, line));
  expect(real.most(2)[open]).toBeCloseTo(real.estimate().expected[open]! + 2 * real.estimate().errors[open]!, 10);
  expect(errors[open]).toBeGreaterThan(0);
});
