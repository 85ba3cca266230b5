import fc from "fast-check";
import { expect, test } from "vitest";
import { tensorValues } from "../graph/index.ts";
import { quantizeColumns } from "./int8-weights.ts";

test("a weight is the nearest whole number of its column's scale, the greater of two alike", () => {
  const anyMatrix = fc.array(fc.oneof(fc.float({ noNaN: true, min: -8, max: 8 }), fc.constantFrom(-1, -0.5, 0.5, 1)), {
    minLength: 6,
    maxLength: 6,
  });
  fc.assert(
    fc.property(anyMatrix, fc.constantFrom<127 | 63>(127, 63), (numbers, limit) => {
      const data = Float32Array.from(numbers);
      const made = quantizeColumns(data, 3, 2, limit);
      const [scale, values] = [tensorValues(made.scale), tensorValues(made.values)];
      data.forEach((weight, k) => {
        expect(Number(values[k])).toBe(Math.round(weight * (1 / Number(scale[k % 2]))) + 0);
        expect(Math.abs(Number(values[k]))).toBeLessThanOrEqual(limit);
      });
    }),
    { seed: 6 },
  );
});
