import { expect, test } from "vitest";
import { nodeRuntime } from "../runtime/node.ts";
import { createWebRuntime } from "../runtime/web.ts";
import { int8Limit } from "./int8-limit.ts";
import { settlePrecision } from "./settle-precision.ts";

test("auto is int8 for wide models on a CPU that has exact products of bytes, and nowhere else", async () => {
  const wide = (await int8Limit(nodeRuntime)) === 127 ? "int8" : "fp32";
  expect(await settlePrecision({ hiddenSize: 256, runtime: nodeRuntime }, "auto")).toBe(wide);
  expect(await settlePrecision({ hiddenSize: 255, runtime: nodeRuntime }, "auto")).toBe("fp32");
  expect(await settlePrecision({ hiddenSize: 768, runtime: createWebRuntime() }, "auto")).toBe("fp32");
  const other = { ...nodeRuntime, settleDevice: async () => "webgpu" as const };
  expect(await settlePrecision({ hiddenSize: 768, runtime: other }, "auto")).toBe("fp32");
  const broken = { ...nodeRuntime, open: () => Promise.reject(new Error("no such operator")) };
  expect(await settlePrecision({ hiddenSize: 768, runtime: broken }, "auto")).toBe("fp32");
});

test("what is asked for is what is taken", async () => {
  for (const asked of ["fp32", "int8"] as const)
    expect(await settlePrecision({ hiddenSize: 8, runtime: createWebRuntime() }, asked)).toBe(asked);
});
