import { GraftError } from "../../base/index.ts";

/** @throws GraftError METRIC unless a list has as many entries as it should. */
export function checkCount(thing: string, count: number, expected: number, because: string): void {
  if (count === expected) return;
  throw new GraftError("METRIC", {
    thing,
    place: `there are ${count} and should be ${expected}, ${because}`,
    remedy: "Give what was predicted and what is true for the same examples, in the same order",
  });
}

/** @throws GraftError METRIC unless every index is a whole number in [0, limit). */
export function checkIndices(thing: string, indices: ArrayLike<number>, limit: number): void {
  for (let k = 0; k < indices.length; k++) {
    const index = indices[k]!;
    if (index >= 0 && index < limit) continue;
    throw new GraftError("METRIC", {
      thing: `${thing} ${index}`,
      place: `entry ${k} is outside 0 to ${limit - 1}`,
      remedy: "Leave out examples that have none before measuring",
    });
  }
}
