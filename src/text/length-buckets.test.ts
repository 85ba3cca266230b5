import fc from "fast-check";
import { expect, test } from "vitest";
import { lengthBuckets } from "./length-buckets.ts";

const padded = (lengths: readonly number[], buckets: readonly number[]) =>
  lengths.reduce((sum, length) => sum + buckets.find((bucket) => bucket >= length)!, 0);

test("lengths are multiples of 8 around those that occur, and maxLength itself", () => {
  expect(lengthBuckets([], { maxLength: 128 })).toEqual([]);
  expect(lengthBuckets([3, 5], { maxLength: 128 })).toEqual([8]);
  expect(lengthBuckets([10, 10, 100], { maxLength: 128 })).toEqual([16, 104]);
  expect(lengthBuckets([10, 100], { maxLength: 100 })).toEqual([16, 100]);
  expect(lengthBuckets([4], { maxLength: 5 })).toEqual([5]);
  expect(lengthBuckets([10, 100, 200], { maxLength: 256, buckets: 1 })).toEqual([200]);
});

test("a length that saves next to nothing is not taken", () => {
  expect(lengthBuckets([...Array(1000).fill(120), 10], { maxLength: 128 })).toEqual([120]);
});

test("no choice of as many lengths pads 5 % less; every example fits", () => {
  const sizes = [8, 16, 24, 32, 40, 48];
  const choices = sizes.flatMap((a) => sizes.flatMap((b) => sizes.map((c) => [a, b, c].sort((x, y) => x - y))));
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 48 }), { minLength: 1, maxLength: 30 }), (lengths) => {
      const buckets = lengthBuckets(lengths, { maxLength: 48, buckets: 3 });
      expect(buckets.length).toBeLessThanOrEqual(3);
      const fits = choices.filter((choice) => choice[2]! >= Math.max(...lengths));
      const least = Math.min(...fits.map((choice) => padded(lengths, choice)));
      expect(padded(lengths, buckets)).toBeLessThanOrEqual(least * 1.05);
    }),
    { seed: 1, numRuns: 60 },
  );
});

test("an example above maxLength is named", () => {
  expect(() => lengthBuckets([4, 9], { maxLength: 8 })).toThrow(
    expect.objectContaining({ code: "BUCKET_LENGTH", thing: "example 1" }),
  );
});
