import { expect, test } from "vitest";
import type { Split, Targets, Task } from "./task.ts";
import { hashTask } from "./task-hash.ts";

/** Examples of one pixel; example k has the grey `grey(k)`. */
const split = (targets: Targets, count: number, grey = (k: number) => k % 256): Split => ({
  ...{ kind: "image", count, targets },
  pixels: (k) => new Uint8Array(3).fill(grey(k)),
});
const hashOf = (train: Split, validation = train, goal: Task["goal"] = { kind: "classify", classes: ["a", "b"] }) =>
  hashTask({
    ...{ name: "t", title: "", notes: [], goal, train, validation },
    test: split({ kind: "none" }, 1),
  } as Task);

const classes = (values: readonly number[]): Targets => ({ kind: "classes", labels: Int32Array.from(values) });
const numbers = (values: readonly number[]): Targets => ({
  ...{ kind: "numbers", width: 1, values: Float32Array.from(values) },
});
const tags = (values: readonly number[]): Targets => ({ kind: "tags", tags: (k) => Int32Array.of(values[k]!, -100) });

test.each([
  ["classes", classes],
  ["numbers", numbers],
  ["tags", tags],
])("the hash changes with any label: %s", async (_, targets) => {
  const labels = Array.from({ length: 200 }, (_, k) => k % 2);
  const hash = await hashOf(split(targets(labels), 200));
  expect(hash).toMatch(/^[0-9a-f]{64}$/);
  expect(await hashOf(split(targets([...labels]), 200))).toBe(hash);
  for (const k of [0, 1, 77, 199])
    expect(await hashOf(split(targets(labels.with(k, 1 - labels[k]!)), 200))).not.toBe(hash);
});

test("it changes with the number of examples, the goal, either split, and what the examples are", async () => {
  const labels = classes(Array(100).fill(0));
  const [own, other] = [split(labels, 100), split(labels, 100, (k) => 255 - k)];
  const hashes = await Promise.all([
    hashOf(own),
    hashOf(other, own),
    hashOf(own, other),
    hashOf(own, own, { kind: "classify", classes: ["a", "c"] }),
    hashOf(split(classes(Array(99).fill(0)), 99)),
  ]);
  expect(new Set(hashes).size).toBe(hashes.length);
});
