import { expect, test } from "vitest";
import * as z from "zod";
import { parseOptions } from "./parse-options.ts";

const Options = z.strictObject({ epochs: z.int().min(1).default(4), learningRate: z.number().positive().optional() });

test("defaults are filled in", () => {
  expect(parseOptions(Options, {}, "options")).toEqual({ epochs: 4 });
});

test.each([
  [{ learningRat: 1 }, /^"learningRat": training options have no such key\. did you mean "learningRate"\? /],
  [{ epochs: 0 }, /^"epochs": 0: training options: .*>=1/],
  [{ learningRate: "fast" }, /^"learningRate": "fast": training options: .*number/],
  [{ epochs: Number.NaN }, /^"epochs": NaN: /],
])("%o is refused by name, in one line", (options, message) => {
  expect(() => parseOptions(Options, options, "training options")).toThrow(
    expect.objectContaining({ code: "OPTIONS", message: expect.stringMatching(message) }),
  );
});
