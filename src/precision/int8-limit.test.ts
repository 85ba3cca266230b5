import { expect, test } from "vitest";
import { tensorValues } from "../graph/index.ts";
import type { Runtime } from "../runtime/index.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { int8Limit } from "./index.ts";

/** A processor that adds up two products of bytes in `bits` bits, as AVX2 does in 16, and computes nothing else. */
function processor(bits: number): Runtime & { readonly opened: () => number } {
  const most = 2 ** (bits - 1) - 1;
  const saturated = (sum: number) => Math.max(-most - 1, Math.min(most, sum));
  let opened = 0;
  return {
    ...nodeRuntime,
    opened: () => opened,
    async open(graph) {
      opened++;
      const { shape, ...bytes } = [...graph.initializers.values()].find(({ dtype }) => dtype === "int8")!;
      const weights = tensorValues({ shape, ...bytes }) as Int8Array;
      const [inner, columns] = shape as [number, number];
      return {
        outputTypes: new Map(),
        async run({ x }) {
          const data = x!.data as Uint8Array;
          const products = Float32Array.from({ length: (data.length / inner) * columns }, (_, at) => {
            const [row, column] = [Math.floor(at / columns), at % columns];
            const term = (k: number) => data[row * inner + k]! * weights[k * columns + column]!;
            let sum = 0;
            for (let k = 0; k < inner; k += 2) sum += saturated(term(k) + term(k + 1));
            return sum;
          });
          return { y: { dtype: "float32", shape: [data.length / inner, columns], data: products } };
        },
        release: async () => {},
      };
    },
  };
}

test("weights are kept to ±63 where two products meet in 16 bits", async () => {
  expect(await int8Limit(processor(16))).toBe(63);
  expect(await int8Limit(processor(32))).toBe(127);
  await expect(int8Limit(processor(8))).rejects.toThrow(/INT8_PRODUCTS|int8 products/);
});

test("a runtime is asked once", async () => {
  const runtime = processor(32);
  await Promise.all([int8Limit(runtime), int8Limit(runtime)]);
  expect(runtime.opened()).toBe(1);
});

test("the native runtime has a limit", async () => {
  expect([63, 127]).toContain(await int8Limit(nodeRuntime));
});
