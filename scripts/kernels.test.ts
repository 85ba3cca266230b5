import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { kernelModule, TARGET } from "./kernels.ts";

test("the kernel's bytes are what its source says (npm run kernels)", async () => {
  expect(readFileSync(TARGET, "utf8")).toBe(await kernelModule());
});
