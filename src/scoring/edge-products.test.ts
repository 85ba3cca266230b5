import { expect, test } from "vitest";
import { random } from "../base/index.ts";
import { nodeRuntime } from "../runtime/index.node.ts";
import { openProducts } from "./edge-products.ts";

test("products of more rows than are multiplied at once are sums of states times cotangents", async () => {
  const [d, tokens, sources] = [40, 3, 80]; // 3,200 rows
  const draw = random(3);
  const drawn = (length: number) => Float32Array.from({ length }, draw.normal);
  const batches = [1, 2, 3].map(() => ({
    shares: drawn(tokens),
    x: drawn(sources * d * tokens),
    back: drawn(tokens * d),
  }));
  const products = await openProducts({ runtime: nodeRuntime, hiddenSize: d }, { threads: 1 });
  let sum: Float32Array | undefined;
  for (const { x, back, shares } of batches) sum = await products.add(x, back, shares, sum);
  await products.close();
  let most = 0;
  for (const [at, value] of sum!.entries()) {
    const [row, column] = [Math.floor(at / d), at % d];
    let expected = 0;
    for (const { x, back, shares } of batches)
      for (let t = 0; t < tokens; t++) expected += shares[t]! * x[row * tokens + t]! * back[t * d + column]!;
    most = Math.max(most, Math.abs(value - expected));
  }
  expect(most).toBeLessThan(1e-5);
});
