import { expect, test } from "vitest";
import { TINY, tinyPreNorm, tinyTask } from "../../test/support/tiny-backbone.ts";
import { relativeError, trainedTensors } from "../../test/support/tiny-runs.ts";
import { headParameters, pooledSize } from "../objective/index.ts";
import { type EdgeColumn, type EdgeColumnsOptions, edgeColumns } from "./edge-gradients.ts";
import type { ProbeFactors } from "./probe-pass.ts";

const d = TINY.hiddenSize;
const n = 2 * TINY.blocks + 1;
const task = tinyTask({ train: 40, classes: 3 });
const indices = Uint32Array.from({ length: 40 }, (_, k) => 39 - k);

async function columnsOf(of: Uint32Array, options: EdgeColumnsOptions = {}): Promise<EdgeColumn[]> {
  const backbone = await tinyPreNorm();
  const head = trainedTensors(headParameters(pooledSize(d, backbone.pooling), 3), 9);
  const columns: EdgeColumn[] = [];
  await edgeColumns(backbone, task, of, head, (column) => void columns.push(column), { threads: 1, ...options });
  return columns;
}

test("groups of the probe have the gradients of their examples alone, and make the whole", async () => {
  const sizes = [3, 35, 2]; // the second is larger than a batch
  const grouped = await columnsOf(indices, { groups: sizes, blockBytes: 2 * 3 * 4 * n * d * d });
  const starts = [0, 3, 38];
  for (const [group, size] of sizes.entries()) {
    const alone = await columnsOf(indices.subarray(starts[group], starts[group]! + size));
    for (const [k, { groups }] of grouped.entries()) {
      expect(groups).toHaveLength(3);
      expect(groups[group]!.size).toBe(size);
      expect(relativeError(groups[group]!.gradients, alone[k]!.gradients)).toBeLessThan(1e-5);
      expect(groups[group]!.activeTokens).toBe(alone[k]!.activeTokens);
    }
  }
  for (const [k, { gradients, activeTokens }] of (await columnsOf(indices)).entries()) {
    expect(relativeError(grouped[k]!.gradients, gradients)).toBeLessThan(1e-5);
    expect(grouped[k]!.activeTokens).toBe(activeTokens);
  }
});

test("the factors of all batches make the gradients, and padding is marked", async () => {
  const factors: ProbeFactors[] = [];
  const options = { targets: [1, 4], onFactors: async (one: ProbeFactors) => void factors.push(structuredClone(one)) };
  const columns = await columnsOf(indices, options);
  expect(factors.map(({ examples, group }) => [examples, group])).toEqual([
    [32, 0],
    [8, 0],
  ]);
  const tokens = 5;
  expect(factors.map(({ real }) => real.reduce((a, b) => a + b))).toEqual([32 * tokens, 8 * tokens]);
  for (const [at, { to, gradients }] of columns.entries()) {
    expect(to).toBe(options.targets[at]);
    const sum = new Float64Array(n * d * d);
    for (const { states, cotangents, examples, real } of factors) {
      const rows = real.length;
      const [x, back] = [states.data as Float32Array, cotangents.data as Float32Array];
      for (let ik = 0; ik < n * d; ik++)
        for (let row = 0; row < rows; row++)
          for (let c = 0; c < d; c++)
            sum[ik * d + c]! += (examples / 40) * real[row]! * x[ik * rows + row]! * back[(at * rows + row) * d + c]!;
    }
    expect(relativeError(sum, gradients)).toBeLessThan(1e-5);
  }
  const without = await columnsOf(indices, { ...options, products: false });
  expect(without.map(({ gradients }) => gradients.length)).toEqual([0, 0]);
  expect(without.map(({ activeTokens }) => activeTokens)).toEqual(columns.map(({ activeTokens }) => activeTokens));
});
