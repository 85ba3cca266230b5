import { expect, test } from "vitest";
import { floats, runOnce } from "../../test/support/tiny-runs.ts";
import { createBuilder } from "../graph/index.ts";
import { crossEntropy, pool, pooledSize } from "./index.ts";

// Two images, three tokens, two features; token 0 is the class token.
const features = floats([2, 3, 2], Float32Array.of(1, 2, 3, 4, 5, 8, -1, -2, 0, 0, 2, 6));

test.each([
  ["cls", [1, 2, -1, -2]],
  ["mean", [3, 14 / 3, 1 / 3, 4 / 3]],
  ["cls+mean", [1, 2, 4, 6, -1, -2, 1, 3]],
] as const)("pooling %s, by hand", async (pooling, expected) => {
  const g = createBuilder();
  g.rename(pool(g, g.input("x", "float32", ["batch", 3, 2]), pooling), "pooled");
  const { pooled } = await runOnce(g.toGraph(["pooled"]), { x: features });
  expect(pooled).toHaveLength(2 * pooledSize(2, pooling));
  expected.forEach((value, k) => {
    expect(pooled![k]).toBeCloseTo(value, 6);
  });
});

test("cross-entropy is the weighted mean of −Σ target · log softmax, by hand", async () => {
  const logits = [0, Math.log(3), 5, 5, 100, -100];
  const run = async (weights: readonly number[], smoothing: number) => {
    const g = createBuilder();
    const [z, t, w] = [g.input("z", "float32", [3, 2]), g.input("t", "float32", [3, 2]), g.input("w", "float32", [3])];
    g.rename(crossEntropy(g, z, t, w, smoothing), "loss");
    const feeds = {
      z: floats([3, 2], Float32Array.from(logits)),
      t: floats([3, 2], Float32Array.of(1, 0, 0, 1, 0, 1)),
      w: floats([3], Float32Array.from(weights)),
    };
    return (await runOnce(g.toGraph(["loss"]), feeds)).loss![0]!;
  };
  // Softmax of (0, log 3) is (1/4, 3/4), of (5, 5) halves; the third loses 200.
  const [first, second, third] = [Math.log(4), Math.log(2), 200];
  expect(await run([1, 1, 0], 0)).toBeCloseTo((first + second) / 2, 5);
  expect(await run([1, 0, 0], 0)).toBeCloseTo(first, 5);
  expect(await run([1, 1, 1], 0)).toBeCloseTo((first + second + third) / 3, 3);
  // Smoothed by 0.2: targets 0.9 and 0.1.
  expect(await run([1, 0, 0], 0.2)).toBeCloseTo(0.9 * Math.log(4) + 0.1 * Math.log(4 / 3), 5);
});
