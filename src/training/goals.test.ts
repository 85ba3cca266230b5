import { beforeAll, describe, expect, test } from "vitest";
import { normals, relativeError, trainedTensors } from "../../test/support/tiny-runs.ts";
import { tinyBert, tinyText, tinyTextTask } from "../../test/support/tiny-text.ts";
import { parsePlacement } from "../adapters/index.ts";
import { type Backbone, traceBackbone } from "../backbone/index.ts";
import { type TunedSpec, tunedParameters } from "../methods/index.ts";
import { packVectors } from "../parameters/index.ts";
import type { Row } from "../tables/index.ts";
import type { Task } from "../tasks/index.ts";
import { initialState } from "./adamw.ts";
import type { CheckpointStore } from "./checkpoint.ts";
import { evaluate, outputsOf } from "./evaluate.ts";
import { longest, stepFeeds, viewsOf } from "./feeds.ts";
import { chunksOf } from "./open-steps.ts";
import { TrainOptions } from "./options.ts";
import { openStepper } from "./stepper.ts";
import { train } from "./train.ts";
import { tunedStep } from "./tuned-step.ts";

const count = 48;
const rows = (of: (k: number) => Row["cells"]) => Array.from({ length: count }, (_, k) => of(k));
const negative = (k: number) => tinyText(7 * k + 3);

/** A small data set for each goal: what is to be told can be read off the words. */
const data: Readonly<Record<string, () => Promise<Task>>> = {
  classify: () => tinyTextTask(rows((k) => ({ text: tinyText(k), label: `subject ${k % 5}` }))),
  pair: () =>
    tinyTextTask(
      rows((k) => ({ premise: tinyText(k), hypothesis: tinyText(k + 5 * (k % 2)), label: k % 2 ? "other" : "same" })),
      { kind: "pair", text: "premise", textPair: "hypothesis", label: "label" },
    ),
  multi_label: () =>
    tinyTextTask(
      rows((k) => ({ text: tinyText(k), labels: [k % 5 < 2 ? "animal" : "thing", k % 2 ? "odd" : "even"].join("|") })),
      { kind: "multi_label", text: "text", label: "labels" },
    ),
  regress: () =>
    tinyTextTask(
      rows((k) => ({ text: tinyText(k), score: 100 + 30 * (k % 5) })),
      { kind: "regress", score: "score" },
    ),
  tokens: () =>
    tinyTextTask(
      rows((k) => {
        const tokens = tinyText(k).split(" ");
        return { tokens, tags: tokens.map((word) => (word.length > 4 ? "B-LONG" : "O")) };
      }),
    ),
  pair_score: () =>
    tinyTextTask(
      rows((k) => ({ a: tinyText(k), b: tinyText(k + (k % 3)), score: [1, 0.3, 0][k % 3]! })),
      { kind: "pair_score", text: "a", textPair: "b", score: "score" },
    ),
  triplet: () =>
    tinyTextTask(rows((k) => ({ anchor: tinyText(k), positive: tinyText(k + 25), negative: negative(k) }))),
};

let backbone: Backbone;
beforeAll(async () => {
  backbone = await tinyBert();
});
const placement = parsePlacement("1-2,3-0,2-2", { states: 5, defaultRank: 2 });

/** Loss at given parameters, and its gradient: m' / (1 − β₁) after a first step, since m starts at 0. */
async function openLoss(task: Task, batchSize: number) {
  const spec: TunedSpec = { method: { kind: "adapters", placement, adapter: {} }, goal: task.goal };
  const options = TrainOptions.parse({ batchSize, clipNorm: 1e9, weightDecay: 0 });
  const indices = Uint32Array.from({ length: batchSize - 1 }, (_, k) => k); // the last row is padding
  const [views, split] = [viewsOf(task.train), task.train];
  const tokens = split.kind === "text" ? Math.min(32, longest(split, indices) + 2) : undefined;
  const traced = await traceBackbone(backbone, { batchSize: views * batchSize, tokens });
  const stepGraph = tunedStep(backbone, traced, spec, options, { batchSize, views, tokens });
  const feeds = stepFeeds(task.goal, { split, indices, input: backbone.input, batchSize, tokens });
  const theta = packVectors(stepGraph.layout, trainedTensors(tunedParameters(backbone, spec), 3))[0]!;
  const at = async (values: Float32Array) => {
    const stepper = await openStepper(backbone.runtime, stepGraph, {}, initialState(stepGraph, [values.slice()]), {
      threads: 1,
    });
    const { loss } = await stepper.step(feeds, 0);
    const gradient = stepper.state().m[0]!.map((m) => m / 0.1);
    await stepper.release();
    return { loss, gradient };
  };
  return { theta, at };
}

describe.each(Object.entries(data))("%s", (kind, open) => {
  test("the gradient agrees with finite differences, padding and recurrent edges among it", async () => {
    const { theta, at } = await openLoss(await open(), 6);
    const { gradient } = await at(theta);
    const length = Math.hypot(...gradient);
    expect(length).toBeGreaterThan(1e-4);
    for (const direction of [
      gradient.map((x) => x / length),
      normals(theta.length, 8).map((x) => x / Math.sqrt(theta.length)),
    ]) {
      const h = 4e-3;
      const moved = async (sign: number) => (await at(theta.map((x, k) => x + sign * h * direction[k]!))).loss;
      const slope = ((await moved(1)) - (await moved(-1))) / (2 * h);
      const expected = gradient.reduce((sum, x, k) => sum + x * direction[k]!, 0);
      expect(Math.abs(slope - expected)).toBeLessThan(0.02 * length + 1e-4);
    }
  });

  test("training lowers the loss; outputs do not depend on the batch a text is in", async () => {
    const task = await open();
    const model = await train(backbone, task, placement, { options: { epochs: 8, batchSize: 12, threads: 1 } });
    const losses = model.history.map(({ trainLoss }) => trainLoss);
    expect(losses.at(-1)).toBeLessThan(0.9 * losses[0]!);
    const [whole, alone] = [
      await outputsOf(model, task.test, { threads: 1 }),
      await outputsOf(model, task.test, { threads: 1, batchSize: 1 }),
    ];
    expect(relativeError(alone, whole)).toBeLessThan(1e-4);
    const { value, loss } = await evaluate(model, task.test, { threads: 1 });
    expect([Number.isFinite(loss), Number.isFinite(value)], kind).toEqual([true, true]);
  });

  test("from cached frozen values a training is the same", async () => {
    const task = await open();
    const late = parsePlacement("3-4,4-2", { states: 5, defaultRank: 2 });
    const run = (frozenCache: boolean) =>
      train(backbone, task, late, { options: { epochs: 2, batchSize: 12, threads: 1, frozenCache } });
    const [cached, computed] = [await run(true), await run(false)];
    expect(cached.history.map(({ trainLoss }) => trainLoss)).toEqual(
      computed.history.map(({ trainLoss }) => expect.closeTo(trainLoss, 4)),
    );
    expect(cached.validation.loss).toBeCloseTo(computed.validation.loss, 3);
  });
});

test.each(["triplet", "pair_score"])(
  "%s: cached gradients over several passes train as one large batch does",
  async (kind) => {
    const task = await data[kind]!();
    const run = (options: object) =>
      train(backbone, task, placement, { options: { epochs: 2, threads: 1, learningRate: 1e-3, ...options } });
    const [whole, cached] = [await run({ batchSize: 12 }), await run({ batchSize: 4, contrastBatch: 12 })];
    expect(cached.history.map(({ trainLoss }) => trainLoss)).toEqual(
      whole.history.map(({ trainLoss }) => expect.closeTo(trainLoss, 4)),
    );
    // Where the true gradient is zero AdamW follows rounding: compare what the model does, not its parameters.
    const [a, b] = [await outputsOf(whole, task.test), await outputsOf(cached, task.test)];
    expect(relativeError(b, a)).toBeLessThan(5e-3);
    const small = await run({ batchSize: 4 });
    expect(Math.abs(small.history[0]!.trainLoss - whole.history[0]!.trainLoss)).toBeGreaterThan(0.05);
  },
);

test("a contrast over more examples than there are takes as many passes as there are examples for", async () => {
  const task = await data.triplet!();
  const options = TrainOptions.parse({ batchSize: 8, contrastBatch: 1000 });
  expect(chunksOf(task, options)).toBe(Math.ceil(task.train.count / 8));
});

/** A task whose validation targets are all alike, so that no correlation is defined. */
async function withoutCorrelation(kind: "regress" | "pair_score", value: number): Promise<Task> {
  const task = await data[kind]!();
  const values = new Float32Array(task.validation.count).fill(value);
  return { ...task, validation: { ...task.validation, targets: { kind: "numbers", width: 1, values } } };
}

test("where validation has no correlation the lowest loss is kept, interrupted or not", async () => {
  const task = await withoutCorrelation("regress", 160);
  const options = { epochs: 5, batchSize: 12, threads: 1, learningRate: 0.05, headLearningRate: 0.05 };
  const whole = await train(backbone, task, placement, { options });
  const losses = whole.history.map(({ validation }) => validation.loss);
  expect(whole.history.map(({ validation }) => validation.value)).toEqual(losses.map(() => Number.NaN));
  expect(losses.indexOf(Math.min(...losses))).toBeGreaterThan(0); // else any choice would do
  expect(whole.bestEpoch).toBe(losses.indexOf(Math.min(...losses)) + 1);

  let saved: Uint8Array | undefined;
  const checkpoint: CheckpointStore = {
    load: async () => saved,
    async save(bytes) {
      saved = bytes.slice();
    },
  };
  const controller = new AbortController();
  const onEpoch = () => controller.abort(new Error("enough"));
  const stopped = train(backbone, task, placement, { options, checkpoint, onEpoch, signal: controller.signal });
  await expect(stopped).rejects.toThrow("enough");
  const resumed = await train(backbone, task, placement, { options, checkpoint, resume: true });
  expect(resumed.history).toEqual(whole.history);
  expect(resumed.bestEpoch).toBe(whole.bestEpoch);
});

test("scores of validation that are all alike do not look like a training that diverged", async () => {
  const task = await withoutCorrelation("pair_score", 0.5);
  const { validation } = await train(backbone, task, placement, { options: { epochs: 1, threads: 1 } });
  expect(validation).toEqual({ loss: 1, value: Number.NaN });
});
