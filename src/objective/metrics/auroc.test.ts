import fc from "fast-check";
import { expect, test } from "vitest";
import cases from "../../../test/fixtures/metrics.json" with { type: "json" };
import { auroc, aurocMultiLabel, logOdds } from "./auroc.ts";

test("as scikit-learn computes it, ties and all", () => {
  for (const { classes, scores, labels, ...recorded } of cases.auroc) {
    expect(auroc(Float32Array.from(scores), Int32Array.from(labels), classes)).toBeCloseTo(recorded.auroc, 12);
  }
  for (const { classes, scores, targets, ...recorded } of cases.multi_label) {
    expect(aurocMultiLabel(Float32Array.from(scores), targets, classes)).toBeCloseTo(recorded.auroc, 12);
  }
});

test("by hand: of 2 · 3 pairs, four in order and one tied", () => {
  // Positives 0.9 and 0.4, negatives 0.8, 0.4, 0.1: 0.9 wins three, 0.4 wins one and ties one.
  expect(aurocMultiLabel(Float32Array.of(0.9, 0.8, 0.4, 0.4, 0.1), [1, 0, 1, 0, 0], 1)).toBe(4.5 / 6);
});

test("a class with no example, or nothing else, is left out; NaN is never hidden", () => {
  const scores = Float32Array.of(0.7, 0.1, 0.2, 0.2, 0.6, 0.2); // [2, 3], labels 0 and 1: both in order
  expect(auroc(scores, Int32Array.of(0, 1), 3)).toBe(1);
  expect(auroc(scores, Int32Array.of(1, 1), 3)).toBeNaN();
  expect(auroc(new Float32Array(0), new Int32Array(0), 3)).toBeNaN();
  expect(auroc(scores.with(0, Number.NaN), Int32Array.of(0, 1), 3)).toBeNaN();
  expect(() => auroc(scores, Int32Array.of(0, 3), 3)).toThrow("label 3: entry 1 is outside 0 to 2");
  expect(() => auroc(scores, Int32Array.of(0), 3)).toThrow("scores: there are 6 and should be 3");
});

test("log odds are log p − log(1 − p) of softmax, and keep the order where p rounds to 1", () => {
  const logits = Float32Array.of(1, 2, -1, 0, 0, 3);
  const odds = logOdds(logits, 3);
  for (let at = 0; at < 6; at++) {
    const row = [...logits.subarray(3 * Math.floor(at / 3), 3 * Math.floor(at / 3) + 3)];
    const p = Math.exp(logits[at]!) / row.reduce((sum, logit) => sum + Math.exp(logit), 0);
    expect(odds[at]).toBeCloseTo(Math.log(p / (1 - p)), 5);
  }
  expect([...logOdds(Float32Array.of(200, 0, 300, 0), 2)]).toEqual([200, -200, 300, -300]);
});

const examples = fc.array(fc.tuple(fc.integer({ min: -9, max: 9 }), fc.boolean()), { minLength: 2 });

test("a rising function of the scores changes nothing, a falling one or swapped classes turns it over", () => {
  fc.assert(
    fc.property(examples, (list) => {
      fc.pre(new Set(list.map(([, isOf]) => isOf)).size === 2);
      const area = (change: (score: number) => number, of = true) =>
        aurocMultiLabel(
          Float32Array.from(list, ([score]) => change(score)),
          list.map(([, isOf]) => (isOf === of ? 1 : 0)),
          1,
        );
      const value = area((score) => score);
      expect(value >= 0 && value <= 1).toBe(true);
      expect(area((score) => Math.exp(score))).toBe(value);
      expect(area((score) => -(score ** 3))).toBeCloseTo(1 - value, 12);
      expect(area((score) => score, false)).toBeCloseTo(1 - value, 12);
    }),
    { seed: 1 },
  );
});
