import { expect, test } from "vitest";
import { standings } from "./standings.ts";

test("standings by hand: higher metrics and lower losses stand higher, what diverged stands last", () => {
  const [first, middle, last] = standings([{ value: 0.8, loss: 0.5 }, { value: 0.8, loss: 0.9 }, undefined]);
  // By metric the first two share ranks 2 and 3, by loss they have 3 and 2.
  expect([first, middle, last]).toEqual([(2.5 + 3) / 6, (2.5 + 2) / 6, (1 + 1) / 6]);
});
