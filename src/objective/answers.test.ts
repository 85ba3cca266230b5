import { expect, test } from "vitest";
import { answerOf } from "./answers.ts";

const classes = ["a", "b", "c"];

test("one of several classes: softmax, the likeliest first", () => {
  const answer = answerOf({ kind: "classify", classes }, Float32Array.of(0, Math.log(3), Math.log(4)));
  expect(answer).toEqual({
    classes: [
      { label: "c", probability: expect.closeTo(4 / 8, 6) },
      { label: "b", probability: expect.closeTo(3 / 8, 6) },
      { label: "a", probability: expect.closeTo(1 / 8, 6) },
    ],
  });
});

test("logits far apart do not overflow", () => {
  expect(answerOf({ kind: "tokens", classes }, Float32Array.of(1000, 0, -1000))).toMatchObject({
    classes: [{ label: "a", probability: 1 }, {}, {}],
  });
});

test("any number of classes: each has a probability of its own", () => {
  const answer = answerOf({ kind: "multi_label", classes }, Float32Array.of(0, Math.log(3), -Math.log(3)));
  expect(answer).toEqual({
    classes: [
      { label: "b", probability: expect.closeTo(0.75, 6) },
      { label: "a", probability: 0.5 },
      { label: "c", probability: expect.closeTo(0.25, 6) },
    ],
  });
});

test("numbers come under their names", () => {
  const goal = { kind: "regress", names: ["stars"], center: [3], scale: [1] } as const;
  expect(answerOf(goal, Float32Array.of(4.5))).toEqual({ numbers: { stars: 4.5 } });
});
