import { expect, test } from "vitest";
import { epochOrder, type ImageBatchOptions, imagesAt } from "./batches.ts";
import type { ImageSplit } from "./task.ts";

// Image k holds 100 c + 10 y + x + k in channel c, row y, column x.
const size = { height: 2, width: 3 };
const split: ImageSplit = {
  kind: "image",
  count: 5,
  targets: { kind: "none" },
  pixels: (index) =>
    Uint8Array.from({ length: 18 }, (_, k) => 100 * Math.floor(k / 6) + 10 * (Math.floor(k / 3) % 2) + (k % 3) + index),
};
const raw = { mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] }; // gives the bytes back
const options: ImageBatchOptions = { ...size, ...raw, batchSize: 2 };
const bytes = (values: Float32Array) => [...values].map(Math.round);

test("each channel is normalised by its own mean and deviation", () => {
  const images = imagesAt(split, [0], { ...options, mean: [0.5, 0, 0.25], std: [0.25, 1, 2] });
  expect(images[5]).toBeCloseTo((12 / 255 - 0.5) / 0.25, 6);
  expect(images[6]).toBeCloseTo(100 / 255, 6);
  expect(images[12]).toBeCloseTo((200 / 255 - 0.25) / 2, 6);
});

test("rows beyond the examples are zero", () => {
  const images = imagesAt(split, [2], options);
  expect(images).toHaveLength(36);
  expect(images.subarray(18).every((value) => value === 0)).toBe(true);
});

test("a shift repeats the border and a flip mirrors; both are met, and nothing else", () => {
  const seen = new Set<string>();
  for (let epoch = 0; epoch < 300; epoch++) {
    const augment = { flip: true, shift: 1, seed: 4, epoch };
    seen.add(bytes(imagesAt(split, [0], { ...options, augment }).subarray(0, 6)).join());
  }
  const rows = ["0,0,1", "0,1,2", "1,2,2", "1,0,0", "2,1,0", "2,2,1"].map((row) => row.split(",").map(Number));
  const expected = rows.flatMap((row) =>
    [
      [0, 0],
      [0, 10],
      [10, 10],
    ].map((lifts) => lifts.flatMap((lift) => row.map((value) => value + lift)).join()),
  );
  expect([...seen].sort()).toEqual(expected.sort());
});

test("an image's augmentation does not depend on its batch, so any resumed batch has the same bits", () => {
  const augment = { flip: true, shift: 1, seed: 4, epoch: 7 };
  const together = imagesAt(split, [3, 1], { ...options, augment });
  const alone = imagesAt(split, [1], { ...options, augment });
  expect(together.subarray(18)).toEqual(alone.subarray(0, 18));
  const next = imagesAt(split, [0, 1, 2, 3, 4], { ...options, batchSize: 5, augment: { ...augment, epoch: 8 } });
  const now = imagesAt(split, [0, 1, 2, 3, 4], { ...options, batchSize: 5, augment });
  expect(next).not.toEqual(now);
});

test("an epoch meets every image once, each epoch in another order", () => {
  const [first, second] = [epochOrder(100, 3, 0), epochOrder(100, 3, 1)];
  expect([...first].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, k) => k));
  expect(second).not.toEqual(first);
  expect(epochOrder(100, 3, 1)).toEqual(second);
  expect(epochOrder(100, 4, 1)).not.toEqual(second);
});

test("too many images and images of another size are refused", () => {
  expect(() => imagesAt(split, [0, 1, 2], options)).toThrow(/3 images: a batch of 2 rows/);
  expect(() => imagesAt(split, [0], { ...options, width: 4 })).toThrow(/image 0 of 18 bytes/);
});
