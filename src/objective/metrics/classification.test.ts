import fc from "fast-check";
import { expect, test } from "vitest";
import cases from "../../../test/fixtures/metrics.json" with { type: "json" };
import { accuracy, macroF1, matthews, predictedClasses } from "./classification.ts";

test("as scikit-learn computes them, classes without examples included", () => {
  for (const { classes, ...recorded } of cases.classification) {
    const [predicted, labels] = [Int32Array.from(recorded.predicted), Int32Array.from(recorded.labels)];
    expect(accuracy(predicted, labels)).toBeCloseTo(recorded.accuracy, 12);
    expect(macroF1(predicted, labels, classes)).toBeCloseTo(recorded.macroF1, 12);
    expect(matthews(predicted, labels, classes)).toBeCloseTo(recorded.matthews, 12);
  }
});

test("two classes by hand: MCC = (tp·tn − fp·fn) / √((tp+fp)(tp+fn)(tn+fp)(tn+fn))", () => {
  const labels = Int32Array.of(1, 1, 1, 0, 0, 0, 0, 0);
  const predicted = Int32Array.of(1, 1, 0, 1, 0, 0, 0, 0); // tp 2, fn 1, fp 1, tn 4
  expect(matthews(predicted, labels, 2)).toBeCloseTo((2 * 4 - 1) / Math.sqrt(3 * 3 * 5 * 5), 14);
  expect(macroF1(predicted, labels, 2)).toBeCloseTo((4 / 6 + 8 / 10) / 2, 14);
  expect(accuracy(predicted, labels)).toBe(6 / 8);
});

test("an answer that is none is wrong, and is nobody's false positive", () => {
  const labels = Int32Array.of(0, 0, 1, 1);
  const predicted = Int32Array.of(0, -1, 1, -1);
  expect(accuracy(predicted, labels)).toBe(0.5);
  expect(macroF1(predicted, labels, 2)).toBeCloseTo(2 / 3, 14); // each class: tp 1, fn 1
  expect(matthews(predicted, labels, 2)).toBeCloseTo((2 * 4 - 4) / Math.sqrt((16 - 6) * (16 - 8)), 14);
});

test("the largest score wins; a tie for it, or a NaN, is no answer", () => {
  const rows = [
    [1, 3, 2],
    [3, 3, 4],
    [4, 2, 4],
    [0, 0, 0],
    [9, Number.NaN, 1],
    [Number.NEGATIVE_INFINITY, -5, Number.NEGATIVE_INFINITY],
  ];
  expect([...predictedClasses(Float32Array.from(rows.flat()), 3)]).toEqual([1, 2, -1, -1, -1, 1]);
});

test("where there is nothing to measure", () => {
  const none = new Int32Array(0);
  expect(accuracy(none, none)).toBeNaN();
  expect(macroF1(none, none, 3)).toBeNaN();
  expect(matthews(none, none, 3)).toBeNaN();
  expect(matthews(Int32Array.of(0, 1), Int32Array.of(1, 1), 2)).toBeNaN(); // one label
  expect(matthews(Int32Array.of(1, 1), Int32Array.of(0, 1), 2)).toBe(0); // one answer
});

test("labels that are no class, or too few, are refused by name", () => {
  const refused = (labels: number[]) => () => macroF1(Int32Array.of(0, 1), Int32Array.from(labels), 2);
  expect(refused([0, 2])).toThrow("label 2: entry 1 is outside 0 to 1");
  expect(refused([-100, 1])).toThrow("label -100: entry 0");
  expect(refused([0])).toThrow("predicted classes: there are 2 and should be 1");
});

const answers = fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 3 })), { minLength: 1 });

test("numbering classes differently changes nothing; all are within bounds; perfect is 1", () => {
  fc.assert(
    fc.property(answers, fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }), (pairs, renamed) => {
      const [predicted, labels] = [0, 1].map((side) => Int32Array.from(pairs, (pair) => pair[side]!)) as [
        Int32Array,
        Int32Array,
      ];
      const rename = (list: Int32Array) => list.map((k) => renamed[k]!);
      const measure = (p: Int32Array, t: Int32Array) => [accuracy(p, t), macroF1(p, t, 4), matthews(p, t, 4)];
      const before = measure(predicted, labels);
      measure(rename(predicted), rename(labels)).forEach((value, k) => {
        if (Number.isNaN(before[k])) expect(value).toBeNaN();
        else expect(value).toBeCloseTo(before[k]!, 12);
      });
      expect(before[0]).toBeGreaterThanOrEqual(0);
      expect(before[1]! >= 0 && before[1]! <= 1).toBe(true);
      if (new Set(labels).size === 1) return;
      expect(Math.abs(before[2]!)).toBeLessThanOrEqual(1);
      expect(measure(labels, labels)).toEqual([1, 1, expect.closeTo(1, 12)]);
    }),
    { seed: 1 },
  );
});
