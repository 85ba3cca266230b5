import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { kernelModule, SOURCES, targetOf } from "./kernels.ts";

test.each(SOURCES)("the bytes made from %s are what it says (npm run kernels)", async (source) => {
  expect(readFileSync(targetOf(source), "utf8")).toBe(await kernelModule(source));
});
