import fc from "fast-check";
import { expect, test } from "vitest";
import { openGeneratedTask } from "./generated/open-generated-task.ts";
import { resizeAndCrop, resizeTask } from "./resize.ts";

/** An image whose three planes are the same `height` rows. */
function image(row: readonly number[], height: number): Uint8Array {
  return new Uint8Array(Array.from({ length: 3 * height }, () => row).flat());
}

const firstRow = (pixels: Uint8Array, width: number) => [...pixels.subarray(0, width)];

test("halving averages with a triangle two pixels wide on each side", () => {
  // First output pixel: centre 1, weights 0.75, 0.75, 0.25 over 0, 70, 140: 87.5 / 1.75 = 50. The last mirrors it.
  const out = resizeAndCrop(image([0, 70, 140, 210], 4), { height: 4, width: 4 }, { height: 2, width: 2 });
  expect(firstRow(out, 2)).toEqual([50, 160]);
});

test("doubling interpolates linearly and repeats the border", () => {
  const out = resizeAndCrop(image([0, 100], 2), { height: 2, width: 2 }, { height: 4, width: 4 });
  expect(firstRow(out, 4)).toEqual([0, 25, 75, 100]);
});

test("a wide image loses both ends, but its filter still sees them", () => {
  // Scale 2, margin 1: the first centre lies at 2, between pixels 1 and 2; pixels 0 to 3 weigh 1, 3, 3, 1.
  const out = resizeAndCrop(image([80, 0, 0, 0, 0, 160], 4), { height: 4, width: 6 }, { height: 2, width: 2 });
  expect(firstRow(out, 2)).toEqual([10, 20]);
});

test("the same size changes nothing; a mirrored image gives the mirrored result", () => {
  const side = fc.integer({ min: 1, max: 9 });
  fc.assert(
    fc.property(
      side,
      side,
      side,
      side,
      fc.infiniteStream(fc.integer({ min: 0, max: 255 })),
      (h, w, toH, toW, stream) => {
        const pixels = Uint8Array.from({ length: 3 * h * w }, () => stream.next().value as number);
        const [from, to] = [
          { height: h, width: w },
          { height: toH, width: toW },
        ];
        expect(resizeAndCrop(pixels, from, from)).toEqual(pixels);
        const mirrored = mirror(resizeAndCrop(mirror(pixels, w), from, to), toW);
        const direct = resizeAndCrop(pixels, from, to);
        // Sums in another order may round to the neighbouring byte.
        expect(Math.max(...direct.map((value, k) => Math.abs(value - mirrored[k]!)))).toBeLessThanOrEqual(1);
      },
    ),
    { seed: 1, numRuns: 40 },
  );
});

test("a resized task keeps labels and scales its shift", () => {
  const task = openGeneratedTask("orientation", { trainSize: 4, validationSize: 4, testSize: 4 });
  const large = resizeTask(task, { height: 64, width: 64 });
  expect(large.train.targets).toEqual(task.train.targets);
  const expected = resizeAndCrop(task.train.pixels(3), { height: 32, width: 32 }, { height: 64, width: 64 });
  expect(Buffer.from(large.train.pixels(3)).equals(expected)).toBe(true);
  expect(large.augment).toEqual({ flip: false, shift: 4 });
  expect(resizeTask(task, { height: 32, width: 32 })).toBe(task);
});

function mirror(pixels: Uint8Array, width: number): Uint8Array {
  return pixels.map((_, k) => pixels[k - (k % width) + (width - 1 - (k % width))]!);
}
