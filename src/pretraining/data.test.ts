import { expect, test } from "vitest";
import { createPretrainingData, type PretrainingData } from "./data.ts";

const options = { seed: 5, fractalClasses: 6, atomClasses: 4 };

test("an image depends on seed and index alone, not on what was drawn before", () => {
  const [forwards, backwards] = [createPretrainingData(options), createPretrainingData(options)];
  const list = Array.from({ length: 40 }, (_, k) => draw(forwards, k));
  for (let k = 39; k >= 0; k--) {
    const { label, pixels } = draw(backwards, k);
    expect([label, pixels.equals(list[k]!.pixels)]).toEqual([list[k]!.label, true]);
  }
  const otherSeed = draw(createPretrainingData({ ...options, seed: 6 }), 0);
  expect(otherSeed.pixels.equals(list[0]!.pixels)).toBe(false);
});

test("every class comes about equally often", () => {
  const data = createPretrainingData(options);
  expect(data.classes).toBe(10);
  const counts = new Array<number>(10).fill(0);
  for (let k = 0; k < 2000; k++) counts[draw(data, k).label]!++;
  // Binomial(2000, 0.1) has deviation 13.4; five of them hold for all ten but once in 100,000 seeds.
  for (const count of counts) expect(Math.abs(count - 200)).toBeLessThan(67);
});

test("half of the scenes show one object, the others two to the most", () => {
  const data = createPretrainingData({ ...options, maxObjects: 4 });
  const counts = new Array<number>(5).fill(0);
  for (let k = 0; k < 2000; k++) counts[draw(data, k).labels.length]!++;
  expect(counts[0]).toBe(0);
  // Binomial(2000, 1/2) and (2000, 1/6): five deviations are 112 and 84.
  expect(Math.abs(counts[1]! - 1000)).toBeLessThan(112);
  for (const count of counts.slice(2)) expect(Math.abs(count - 2000 / 6)).toBeLessThan(84);
});

test("images of a class resemble each other more than images of another", () => {
  // Means of a class's figure, whatever its colours: the absolute difference from the corner's grey, averaged.
  const data = createPretrainingData({ ...options, atomClasses: 0 });
  const sums = Array.from({ length: 2 }, () => Array.from({ length: 6 }, () => new Float64Array(1024)));
  for (let k = 0; k < 3000; k++) {
    const { label, pixels } = draw(data, k);
    const sum = sums[k % 2]![label]!;
    for (let p = 0; p < 1024; p++) sum[p]! += Math.abs(pixels[p]! - pixels[0]!);
  }
  const [even, odd] = sums as [Float64Array[], Float64Array[]];
  for (let label = 0; label < 6; label++) {
    const nearest = odd.map((other) => correlation(even[label]!, other));
    expect(nearest.indexOf(Math.max(...nearest))).toBe(label);
  }
});

function draw(data: PretrainingData, index: number): { label: number; labels: number[]; pixels: Buffer } {
  const pixels = Buffer.alloc(3 * 32 * 32);
  const labels = data.draw(index, pixels);
  return { label: labels[0]!, labels, pixels };
}

function correlation(a: Float64Array, b: Float64Array): number {
  const mean = (x: Float64Array) => x.reduce((sum, value) => sum + value, 0) / x.length;
  const [ma, mb] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  for (let k = 0; k < a.length; k++) {
    ab += (a[k]! - ma) * (b[k]! - mb);
    aa += (a[k]! - ma) ** 2;
    bb += (b[k]! - mb) ** 2;
  }
  return ab / Math.sqrt(aa * bb);
}
