import { expect, test } from "vitest";
import { tinyBert, tinyText, tinyTextTask } from "../../test/support/tiny-text.ts";
import { largestBatch, openBackbone, openTask, planMemory, select } from "../node.ts";

const backbone = await openBackbone();
const task = await openTask("count", { backbone, trainSize: 64, validationSize: 32, testSize: 1 });
const plan = (place: string, options = {}) => {
  const { placement } = select(place, { states: backbone.states.length, defaultRank: 8 });
  return planMemory(backbone, task, { kind: "adapters", placement, adapter: {} }, options, { inUse: 1e8 });
};

test("activations grow with the batch, weights and optimizer do not", async () => {
  const [one, four] = [await plan("all:parallel", { batchSize: 4 }), await plan("all:parallel", { batchSize: 16 })];
  expect(four.weights).toBeCloseTo(one.weights, -5);
  expect(four.optimizer).toBe(one.optimizer);
  // A pass over validation examples takes as many at once whatever the batch.
  expect(four.activations).toBeGreaterThan(2 * one.activations);
  expect(four.activations).toBeLessThan(4.1 * one.activations);
});

test("a batch in parts takes a set of parameters more, for its gradients' sum", async () => {
  const optimizer = async (options: object) => (await plan("last:1", { batchSize: 16, ...options })).optimizer;
  const [whole, parts] = [await optimizer({}), await optimizer({ microBatch: 4 })];
  // An adapter of rank 8 and a head of 8 classes, at d = 96.
  const parameters = 8 * (2 * 96 + 1) + 3 * 96 + 1 + 8 * (2 * 96 + 1);
  expect([whole, parts]).toEqual([9 * 4 * parameters, 10 * 4 * parameters]);
});

test("late adapters need less than those everywhere, and what is frozen is kept", async () => {
  const [late, all] = [await plan("last:1", { augment: false }), await plan("all:parallel", { augment: false })];
  expect(late.peak).toBeLessThan(all.peak);
  // One hidden state of 64 + 32 examples: 17 tokens of 96 float32 numbers, at least.
  expect(late.cache).toBeGreaterThanOrEqual(96 * 17 * 96 * 4);
  expect(late.peak).toBe(1e8 + late.weights + late.activations + late.optimizer + 30e6);
});

test("values computed again take less, by several times where all blocks are trained", async () => {
  const options = { batchSize: 64, augment: true };
  const kept = await plan("all:parallel", { ...options, recompute: "off" });
  const again = await plan("all:parallel", { ...options, recompute: "on" });
  expect(again.activations).toBeLessThan(0.6 * kept.activations);
  expect(again.weights).toBeCloseTo(kept.weights, -5);
});

test("a contrast over more examples than a pass holds is planned with the embedding of a chunk, and the loss over all", async () => {
  const rows = Array.from({ length: 400 }, (_, k) => ({
    anchor: tinyText(k),
    positive: tinyText(k + 5),
    negative: tinyText(k + 1),
  }));
  const triplets = await tinyTextTask(rows, { kind: "triplet" });
  const text = await tinyBert();
  const method = { kind: "adapters", placement: [{ from: 1, to: 2, rank: 2 }], adapter: {} } as const;
  const of = (options: object) => planMemory(text, triplets, method, options);
  const [few, all] = [await of({ batchSize: 4 }), await of({ batchSize: 256 })];
  const chunks = await of({ batchSize: 4, contrastBatch: 256 });
  // How alike each of 256 anchors is to 512 texts, and the gradient of that.
  expect(chunks.activations - few.activations).toBeGreaterThan(2 * 4 * 256 * 512);
  expect(chunks.activations).toBeLessThan(all.activations);
  expect(chunks.weights).toBeGreaterThan(1.2 * few.weights);
  expect(9 * chunks.optimizer).toBe(10 * few.optimizer);
});

test("the largest batch that fits is the last whose plan does", async () => {
  const { placement } = select("all:parallel", { states: backbone.states.length, defaultRank: 8 });
  const method = { kind: "adapters", placement, adapter: {} } as const;
  const needed = async (batchSize: number) => (await planMemory(backbone, task, method, { batchSize })).peak;
  const free = (await needed(16)) + 1e5;
  expect(await needed(32)).toBeGreaterThan(free);
  expect(await largestBatch(backbone, task, method, {}, { free })).toBe(16);
  expect(await largestBatch(backbone, task, method, {}, { free: 1e12 })).toBe(64); // all there are
  expect(await largestBatch(backbone, task, method, {}, { free: 1e6 })).toBe(0);
  expect(await largestBatch(backbone, task, method, {}, { free: await needed(1) })).toBe(1);
});
