import { beforeAll, expect, test } from "vitest";
import { tinyBert, tinyText, tinyTextTask } from "../../test/support/tiny-text.ts";
import type { Backbone } from "../backbone/index.ts";
import { HEAD_ALONE } from "../methods/index.ts";
import { evaluate, type Features, TrainOptions, type TunedModel } from "../training/index.ts";
import { measureBase } from "./measure-base.ts";
import { nearestNeighbours } from "./nearest-neighbours.ts";

let backbone: Backbone;
beforeAll(async () => {
  backbone = await tinyBert();
});
const rows = Array.from({ length: 60 }, (_, k) => ({ text: tinyText(k), label: `subject ${k % 5}`, score: k % 5 }));
const options = TrainOptions.parse({ threads: 1 });

test("the linear head measured on features does what it does at the end of the model", async () => {
  for (const task of [
    await tinyTextTask(rows.map(({ text, label }) => ({ text, label }))),
    await tinyTextTask(
      rows.map(({ text, score }) => ({ text, score })),
      { kind: "regress", score: "score" },
    ),
  ]) {
    const { measures, head } = await measureBase(backbone, task, options);
    expect(measures.map(({ name }) => name)).toEqual(["nearest neighbours", "linear head"]);
    const model: TunedModel = { backbone, spec: { method: HEAD_ALONE, goal: task.goal }, tensors: head };
    for (const split of ["validation", "test"] as const) {
      const found = await evaluate(model, task[split], { threads: 1 });
      expect(measures[1]![split].loss).toBeCloseTo(found.loss, 4);
      expect(measures[1]![split].value).toBeCloseTo(found.value, 6);
    }
  }
});

test("embeddings are measured as they are, and need no head", async () => {
  const triplets = rows.map((_, k) => ({ anchor: tinyText(k), positive: tinyText(k) }));
  const { measures, head } = await measureBase(backbone, await tinyTextTask(triplets), options);
  expect(head.size).toBe(0);
  expect(measures.map(({ name }) => name)).toEqual(["as it is"]);
  expect(measures[0]!.test.value).toBeGreaterThan(0.9); // a text is nearest to itself, but for equal ones
});

test("neighbours are those by cosine, and their number is what does best on validation", () => {
  const features = (points: readonly (readonly [number, number])[], targets: readonly number[]): Features => ({
    count: points.length,
    width: 2,
    data: Float32Array.from(points.flat()),
    targets: { shape: [points.length, 1], data: Float32Array.from(targets) },
    weights: { shape: [points.length], data: new Float32Array(points.length).fill(1) },
  });
  // Directions at 0, 10, 20, 80 and 90 degrees, of any length.
  const at = (degrees: number, length = 1): readonly [number, number] => [
    length * Math.cos((degrees * Math.PI) / 180),
    length * Math.sin((degrees * Math.PI) / 180),
  ];
  const train = features([at(0, 5), at(10), at(20, 0.1), at(80, 9), at(90)], [1, 2, 3, 10, 20]);
  const query = features([at(9, 30), at(87)], [0, 0]);
  const one = nearestNeighbours(train, query, (answers) => -Math.abs(answers[0]! - 2) - Math.abs(answers[1]! - 20));
  expect(one.k).toBe(1);
  expect([...one.answer(query)]).toEqual([2, 20]);
  const three = nearestNeighbours(train, query, (answers) => -Math.abs(answers[1]! - 11));
  expect(three.k).toBe(3);
  expect(three.answer(query)[0]).toBeCloseTo(2, 2);
});
