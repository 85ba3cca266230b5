import fc from "fast-check";
import { expect, test } from "vitest";
import cases from "../../../test/fixtures/metrics.json" with { type: "json" };
import { macroF1MultiLabel, microF1MultiLabel } from "./multi-label.ts";

test("as scikit-learn computes them, a class that never occurs included", () => {
  for (const { classes, scores, targets, ...recorded } of cases.multi_label) {
    expect(macroF1MultiLabel(Float32Array.from(scores), targets, classes)).toBeCloseTo(recorded.macroF1, 12);
    expect(microF1MultiLabel(Float32Array.from(scores), targets, classes)).toBeCloseTo(recorded.microF1, 12);
    const widened = (flat: number[], empty: number) =>
      Array.from({ length: flat.length / classes }, (_, row) => [
        ...flat.slice(row * classes, (row + 1) * classes),
        empty,
      ]).flat();
    const padded = [Float32Array.from(widened(scores, -1)), widened(targets, 0), classes + 1] as const;
    expect(macroF1MultiLabel(...padded)).toBeCloseTo(recorded.macroF1WithEmpty, 12);
    expect(microF1MultiLabel(...padded)).toBeCloseTo(recorded.microF1, 12);
  }
});

test("by hand: a score at the threshold, and NaN, predict nothing", () => {
  const targets = [1, 0, 1, 1]; // [2, 2]
  const scores = Float32Array.of(2, 1, 0, Number.NaN);
  expect(macroF1MultiLabel(scores, targets, 2)).toBeCloseTo((2 / 3 + 0) / 2, 14); // tp 1 fn 1; fp 1 fn 1
  expect(microF1MultiLabel(scores, targets, 2)).toBeCloseTo(2 / (2 + 1 + 2), 14);
  expect(microF1MultiLabel(scores, targets, 2, -1)).toBeCloseTo(4 / (4 + 1 + 1), 14); // the 0 now counts
  expect(microF1MultiLabel(scores, targets, 2, 1)).toBeCloseTo(2 / (2 + 0 + 2), 14); // the 1 no longer does
});

test("where nothing is true and nothing predicted there is no F1", () => {
  expect(macroF1MultiLabel(Float32Array.of(-1, -2), [0, 0], 2)).toBeNaN();
  expect(microF1MultiLabel(Float32Array.of(-1, -2), [0, 0], 2)).toBeNaN();
  expect(() => microF1MultiLabel(Float32Array.of(1), [0, 0], 2)).toThrow("scores: there are 1 and should be 2");
});

test("neither the order of examples nor that of classes matters; with one class both are the same", () => {
  const rows = fc.array(fc.tuple(fc.array(fc.boolean(), { minLength: 6, maxLength: 6 })), { minLength: 1 });
  fc.assert(
    fc.property(rows, (list) => {
      const measure = (order: number[], lines: [boolean[]][]) => {
        const [scores, targets] = [0, 3].map((side) =>
          lines.flatMap(([line]) => order.map((k) => (line[side + k] ? 1 : 0))),
        ) as [number[], number[]];
        const signed = Float32Array.from(scores, (mark) => 2 * mark - 1);
        return [macroF1MultiLabel, microF1MultiLabel].map((metric) => metric(signed, targets, order.length));
      };
      const [macro, micro] = measure([0, 1, 2], list);
      fc.pre(!Number.isNaN(macro));
      expect(macro! >= 0 && macro! <= 1 && micro! >= 0 && micro! <= 1).toBe(true);
      const [macroTurned, microTurned] = measure([2, 0, 1], list.toReversed());
      expect(macroTurned).toBeCloseTo(macro!, 12);
      expect(microTurned).toBe(micro);
      const [macroOne, microOne] = measure([1], list);
      expect(macroOne).toBe(microOne);
    }),
    { seed: 1 },
  );
});
