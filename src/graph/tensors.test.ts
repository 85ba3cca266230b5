import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from "./half.ts";
import { asFloat32, asNumbers, byteLength, elementCount, scalarTensor, tensorOf, tensorValues } from "./tensors.ts";

test.each([
  [[], 1],
  [[0], 0],
  [[2, 3, 4], 24],
  [[2 ** 40, 2 ** 40], Number.NaN],
  [[2 ** 40, 2 ** 40, 0], Number.NaN],
  [[2, -1], Number.NaN],
  [[1.5], Number.NaN],
])("elementCount(%j) is %d", (shape, count) => {
  expect(elementCount(shape)).toBe(count);
});

test("4-bit types share bytes", () => {
  expect([byteLength("int4", 5), byteLength("int4", 4), byteLength("int64", 3), byteLength("string", 3)]).toEqual([
    3, 2, 24, 0,
  ]);
});

describe("tensorOf", () => {
  test("views an array of the type's own kind, from its own offset", () => {
    const array = new Float32Array([9, 1, 2]).subarray(1);
    const made = tensorOf("float32", [2], array);
    expect(made.bytes.buffer).toBe(array.buffer);
    expect(asNumbers(made)).toEqual([1, 2]);
  });

  test("converts plain numbers", () => {
    expect(asNumbers(tensorOf("int64", [2], [-1, 2 ** 40]))).toEqual([-1, 2 ** 40]);
    expect(tensorValues(tensorOf("int64", [1], [2 ** 63]))).toEqual(BigInt64Array.of(2n ** 63n - 1n));
    expect(asNumbers(tensorOf("bool", [2], [1, 0]))).toEqual([1, 0]);
    expect(asNumbers(tensorOf("float16", [2], [0.5, -2]))).toEqual([0.5, -2]);
    expect(asNumbers(tensorOf("bfloat16", [2], [0.5, -2]))).toEqual([0.5, -2]);
    expect(asNumbers(tensorOf("float32", [1], [0.1]))).toEqual([Math.fround(0.1)]);
    expect(scalarTensor("float32", 3)).toMatchObject({ shape: [], dtype: "float32" });
  });

  test("packs int4 low nibble first", () => {
    expect(tensorOf("int4", [3], [1, -1, 7]).bytes).toEqual(Uint8Array.of(0xf1, 0x07));
    expect(asNumbers(tensorOf("int4", [3], [1, -1, -8]))).toEqual([1, -1, -8]);
  });

  test("refuses a shape that holds another number of values", () => {
    expect(() => tensorOf("float32", [2, 2], [1, 2, 3])).toThrow(/float32 tensor \[2, 2\].*3 values/);
  });
});

test("tensorValues is an aligned copy of an unaligned view", () => {
  const bytes = new Uint8Array(9).subarray(1);
  new DataView(bytes.buffer, 1).setFloat32(4, 2.5, true);
  const values = tensorValues({ dtype: "float32", shape: [2], bytes });
  expect(values).toEqual(Float32Array.of(0, 2.5));
  bytes.fill(255);
  expect(values[1]).toBe(2.5);
});

test("strings and integers are no floats", () => {
  expect(() => asFloat32(tensorOf("int8", [1], [1]))).toThrow(/int8 tensor/);
  expect(() => tensorValues({ dtype: "string", shape: [0], bytes: new Uint8Array(0) })).toThrow(/string tensor/);
});

describe("half-precision numbers", () => {
  // Hand-made from IEEE 754's definition of binary16.
  test.each([
    [0x0000, 0],
    [0x3c00, 1],
    [0xc000, -2],
    [0x0001, 2 ** -24],
    [0x03ff, 1023 * 2 ** -24],
    [0x0400, 2 ** -14],
    [0x7bff, 65504],
    [0x7c00, Number.POSITIVE_INFINITY],
    [0xfc00, Number.NEGATIVE_INFINITY],
  ])("float16 %i is %d, both ways", (bits, value) => {
    expect(fromFloat16(bits)).toBe(value);
    expect(toFloat16(value)).toBe(bits);
  });

  test("every float16 that is a number survives; so does every bfloat16", () => {
    let wrong = 0;
    for (let bits = 0; bits < 65536; bits++) {
      const half = fromFloat16(bits);
      if (!Number.isNaN(half) && toFloat16(half) !== bits) wrong++;
      const brain = fromBfloat16(bits);
      if (!Number.isNaN(brain) && toBfloat16(brain) !== bits) wrong++;
    }
    expect(wrong).toBe(0);
    expect(fromFloat16(toFloat16(Number.NaN))).toBeNaN();
    expect(fromBfloat16(toBfloat16(Number.NaN))).toBeNaN();
  });

  test("rounding goes to the nearest, ties to even", () => {
    expect(toFloat16(1 + 2 ** -11)).toBe(0x3c00);
    expect(toFloat16(1 + 3 * 2 ** -11)).toBe(0x3c02);
    expect(toFloat16(65519)).toBe(0x7bff);
    expect(toFloat16(65520)).toBe(0x7c00);
    expect(toFloat16(2 ** -25)).toBe(0);
    expect(toFloat16(2 ** -25 * 1.0001)).toBe(1);
    expect(toBfloat16(1 + 2 ** -8)).toBe(0x3f80);
    expect(toBfloat16(1 + 3 * 2 ** -8)).toBe(0x3f82);
    fc.assert(
      fc.property(fc.double({ min: -65504, max: 65504, noNaN: true }), (value) => {
        const bits = toFloat16(value);
        const error = Math.abs(fromFloat16(bits) - value);
        // No neighbour is nearer.
        for (const other of [bits - 1, bits + 1]) {
          if ((other & 0x7c00) !== 0x7c00 && (other & 0x8000) === (bits & 0x8000)) {
            expect(error).toBeLessThanOrEqual(Math.abs(fromFloat16(other) - value));
          }
        }
      }),
      { seed: 1, numRuns: 2000 },
    );
  });
});

test("values are read from a Node Buffer, whose slice() does not copy", () => {
  const pool = Buffer.from(Float32Array.of(0, 1, 2).buffer);
  expect(asFloat32({ dtype: "float32", shape: [2], bytes: pool.subarray(4) })).toEqual(Float32Array.of(1, 2));
});
