import fc from "fast-check";
import { expect, test } from "vitest";
import { keptLengths } from "./truncate.ts";

/** The rule as words: take one token away from the longer text until both fit; of two equal ones, from the first. */
function oneByOne(room: number, a: number, b: number): [number, number] {
  while (a + b > room) {
    if (a >= b) a--;
    else b--;
  }
  return [a, b];
}

test("a pair loses tokens of the longer text first", () => {
  expect(keptLengths(10, 3, 20)).toEqual([3, 7]);
  expect(keptLengths(10, 20, 3)).toEqual([7, 3]);
  expect(keptLengths(10, 20, 30)).toEqual([5, 5]);
  expect(keptLengths(5, 9, 9)).toEqual([2, 3]);
  expect(keptLengths(5, 3, 2)).toEqual([3, 2]);
  expect(keptLengths(4, 9)).toEqual([4, 0]);
});

test("it is what taking tokens away one by one gives, up to the odd token, and fills the room", () => {
  fc.assert(
    fc.property(fc.nat(40), fc.nat(60), fc.nat(60), (room, a, b) => {
      const [ours, slow] = [keptLengths(room, a, b), oneByOne(room, a, b)];
      expect(ours[0] + ours[1]).toBe(Math.min(room, a + b));
      expect(Math.abs(ours[0] - slow[0])).toBeLessThanOrEqual(1);
      expect(ours[0] <= a && ours[1] <= b).toBe(true);
    }),
    { seed: 1, numRuns: 500 },
  );
});
