import { expect, test } from "vitest";
import { best, type Row, rowDifference, worst } from "./rows.ts";

const row = (method: string, validation: readonly (number | undefined)[], measured = validation): Row => ({
  method,
  edges: [],
  isBaseline: false,
  validation,
  measured,
  firstEpoch: [],
});

test("a row whose metric is no number is neither the best nor the worst, wherever it stands", () => {
  const [none, low, high] = [row("none", [Number.NaN, undefined]), row("low", [0.2, 0.4]), row("high", [0.6])];
  for (const rows of [
    [none, low, high],
    [high, none, low],
    [low, high, none],
  ]) {
    expect(best(rows, "validation")).toBe(high);
    expect(worst(rows, "validation")).toBe(low);
  }
  expect(best([none], "validation")).toBeUndefined();
  expect(worst([], "measured")).toBeUndefined();
});

test("of equal rows the first is the best, and the worst", () => {
  const [first, second] = [row("first", [0.5]), row("second", [0.5])];
  expect(best([first, second], "validation")).toBe(first);
  expect(worst([first, second], "validation")).toBe(first);
});

test("a difference is over the seeds where both rows have a number", () => {
  const [a, b] = [row("a", [0.5, Number.NaN, 0.9, undefined]), row("b", [0.4, 0.1, Number.NaN, 0.2])];
  expect(rowDifference(a, b, undefined).mean).toBeCloseTo(0.1, 12);
});
