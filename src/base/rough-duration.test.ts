import { expect, test } from "vitest";
import { roughDuration } from "./rough-duration.ts";

test.each([
  [3.21, "3.2 s"],
  [46, "46 s"],
  [321, "5 min"],
  [9000, "2.5 h"],
])("%f seconds are said as %s", (seconds, text) => {
  expect(roughDuration(seconds)).toBe(text);
});
