import { expect, test } from "vitest";
import { tinyPreNorm, tinyTask } from "../../test/support/tiny-backbone.ts";
import { normals, numbersOf, relativeError } from "../../test/support/tiny-runs.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { extractFeatures, type Features } from "./features.ts";
import { fitHead } from "./fit-head.ts";

const [count, width, classes] = [60, 5, 3];
const goal = { kind: "classify", classes: ["a", "b", "c"] } as const;
const labels = Int32Array.from({ length: count }, (_, k) => k % classes);

/** Features of very different means and spreads, one of them telling of the label. */
function features(): Features {
  const noise = normals(count * width, 1);
  const data = noise.map((x, k) => {
    const [row, column] = [Math.floor(k / width), k % width];
    return 10 ** (column - 2) * (x + (column === 1 ? labels[row]! : 0)) + 3 * column;
  });
  const targets = new Float32Array(count * classes);
  labels.forEach((label, row) => {
    targets[row * classes + label] = 1;
  });
  return {
    count,
    width,
    data,
    targets: { shape: [count, classes], data: targets },
    weights: { shape: [count], data: new Float32Array(count).fill(1) },
  };
}

/** Gradient of mean cross-entropy + λ/2 · ‖W‖² in standardised features: 0 at the optimum. Formula, float64. */
function gradientAt({ data }: Features, weight: Float32Array, bias: Float32Array, l2: number): number[] {
  const column = (k: number) => Array.from({ length: count }, (_, row) => data[row * width + k]!);
  const means = Array.from({ length: width }, (_, k) => column(k).reduce((a, b) => a + b) / count);
  const spreads = means.map((mean, k) => Math.sqrt(column(k).reduce((sum, x) => sum + (x - mean) ** 2, 0) / count));
  const gradient = new Array<number>(width * classes + classes).fill(0);
  for (let row = 0; row < count; row++) {
    const x = means.map((_, k) => data[row * width + k]!);
    const z = Array.from({ length: classes }, (_, c) =>
      x.reduce((sum, v, k) => sum + v * weight[k * classes + c]!, bias[c]!),
    );
    const total = z.reduce((sum, v) => sum + Math.exp(v), 0);
    for (let c = 0; c < classes; c++) {
      const error = (Math.exp(z[c]!) / total - (labels[row] === c ? 1 : 0)) / count;
      for (let k = 0; k < width; k++) gradient[k * classes + c]! += (error * (x[k]! - means[k]!)) / spreads[k]!;
      gradient[width * classes + c]! += error;
    }
  }
  for (let at = 0; at < weight.length; at++) gradient[at]! += l2 * weight[at]! * spreads[Math.floor(at / classes)]!;
  return gradient;
}

test.each([0.01, 0.3])("the fitted head is where the regularised loss is flat, λ = %d", async (l2) => {
  const data = features();
  const head = await fitHead(nodeRuntime, data, goal, { l2, steps: 1000, threads: 1 });
  const [weight, bias] = [numbersOf(head.get("head.weight")!), numbersOf(head.get("head.bias")!)];
  // At the start, W = 0, the largest entry is about 0.3.
  expect(Math.max(...gradientAt(data, weight, bias, l2).map(Math.abs))).toBeLessThan(1e-3);
  expect(
    Math.max(
      ...gradientAt(
        data,
        weight.map(() => 0),
        bias.map(() => 0),
        l2,
      ).map(Math.abs),
    ),
  ).toBeGreaterThan(0.1);
});

test("a feature that is constant but for rounding has no say", async () => {
  const plain = features();
  const withConstant: Features = {
    ...plain,
    data: plain.data.map((x, k) => (k % width === 4 ? 0.1 * (1 + (k % 2) * 1e-8) : x)),
  };
  const head = await fitHead(nodeRuntime, withConstant, goal, { threads: 1 });
  const weight = numbersOf(head.get("head.weight")!);
  expect(Math.max(...weight.subarray(4 * classes).map(Math.abs))).toBeLessThan(1);
});

test("a feature of next to nothing gets no weight to make up for it", async () => {
  const plain = features();
  const withDead: Features = { ...plain, data: plain.data.map((x, k) => (k % width === 4 ? 1e-32 * x : x)) };
  const head = await fitHead(nodeRuntime, withDead, goal, { threads: 1 });
  const weight = numbersOf(head.get("head.weight")!);
  expect(Math.max(...weight.subarray(4 * classes).map(Math.abs))).toBeLessThan(1);
});

test("features: rows in the order asked for, labels with them, whatever the batch they ran in", async () => {
  const backbone = await tinyPreNorm();
  const { train } = tinyTask({ train: 130 }); // more than one forward batch
  const all = await extractFeatures(backbone, goal, train, { threads: 1 });
  expect([all.count, all.width, all.data.length]).toEqual([130, 32, 130 * 32]);
  const some = await extractFeatures(backbone, goal, train, { indices: Uint32Array.of(120, 3), threads: 1 });
  expect([...some.targets!.data]).toEqual([1, 0, 0, 1, 0, 0]); // images 120 and 0, both of class 0
  const rows = [120, 3].flatMap((row) => [...all.data.subarray(row * 32, (row + 1) * 32)]);
  expect(relativeError(some.data, rows)).toBeLessThan(1e-6);
});
