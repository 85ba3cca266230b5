import { expect, test } from "vitest";
import { openBackbone, openTask, select } from "../node.ts";
import { largestBatch, planMemory } from "./index.ts";

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

test("the largest batch that fits is the last whose plan does", async () => {
  const { placement } = select("all:parallel", { states: backbone.states.length, defaultRank: 8 });
  const method = { kind: "adapters", placement, adapter: {} } as const;
  const needed = async (batchSize: number) => (await planMemory(backbone, task, method, { batchSize })).peak;
  const free = (await needed(16)) + 1e5;
  expect(await needed(32)).toBeGreaterThan(free);
  expect(await largestBatch(backbone, task, method, {}, free)).toBe(16);
  expect(await largestBatch(backbone, task, method, {}, 1e12)).toBe(64); // all there are
  expect(await largestBatch(backbone, task, method, {}, 1e6)).toBe(1);
});
