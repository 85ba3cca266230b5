import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { GraftError, random } from "../base/index.ts";
import { byteLength, type DataType, elementCount, type Tensor } from "../graph/index.ts";
import { duplicateKey } from "./json-keys.ts";
import { decodeSafetensors, encodeSafetensors } from "./safetensors.ts";

const fixture = (name: string) => readFileSync(new URL(`../../test/fixtures/safetensors/${name}`, import.meta.url));
const TYPES: DataType[] = ["float32", "float16", "bfloat16", "float64", "int8", "int64", "uint16", "bool"];

/** A file with this header text and so many bytes of data. */
function file(header: string, dataBytes = 0, headerLength?: bigint): Uint8Array {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, headerLength ?? BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

describe("a file written by the reference implementation", () => {
  const written = decodeSafetensors(fixture("types.safetensors"));
  const expected = JSON.parse(fixture("types.json").toString()) as Record<string, [number[], string]>;

  test("holds the same names, shapes and bytes", () => {
    const found = [...written.tensors].map(([name, { shape, bytes }]) => [
      name,
      [shape, Buffer.from(bytes).toString("hex")],
    ]);
    expect(Object.fromEntries(found)).toEqual(expected);
    expect(found.length).toBe(16);
  });

  test("holds its element types and metadata", () => {
    expect(written.tensors.get("bf16")?.dtype).toBe("bfloat16");
    expect(written.tensors.get("u16")?.dtype).toBe("uint16");
    expect(written.tensors.get("bool")?.dtype).toBe("bool");
    expect(Object.fromEntries(written.metadata)).toEqual({ made: "make.py", é: "✓" });
  });

  test("is written again with the same content, every tensor aligned to its elements", () => {
    const bytes = encodeSafetensors(written.tensors, written.metadata);
    const again = decodeSafetensors(bytes);
    expect(plain(again.tensors)).toEqual(plain(written.tensors));
    expect(again.metadata).toEqual(written.metadata);
    for (const { dtype, bytes } of again.tensors.values()) expect(bytes.byteOffset % byteLength(dtype, 1)).toBe(0);
  });
});

test("the bytes of a small file are those of the format's description", () => {
  const tensor: Tensor = { dtype: "uint8", shape: [2], bytes: Uint8Array.of(7, 9) };
  const header = '{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}   '; // padded to 56
  expect(encodeSafetensors(new Map([["a", tensor]]))).toEqual(
    Uint8Array.of(56, 0, 0, 0, 0, 0, 0, 0, ...new TextEncoder().encode(header), 7, 9),
  );
});

test("tensors are views of the file", () => {
  const bytes = encodeSafetensors(new Map([["a", { dtype: "uint8", shape: [1], bytes: Uint8Array.of(7) }]]));
  const { tensors } = decodeSafetensors(bytes);
  bytes[bytes.length - 1] = 8;
  expect(tensors.get("a")?.bytes).toEqual(Uint8Array.of(8));
});

test("what is written is read back", () => {
  const anyTensor = fc
    .tuple(fc.constantFrom(...TYPES), fc.array(fc.nat(4), { maxLength: 3 }), fc.nat())
    .map(([dtype, shape, seed]): Tensor => {
      const next = random(seed);
      const bytes = Uint8Array.from({ length: byteLength(dtype, elementCount(shape)) }, () => next.int(256));
      return { dtype, shape, bytes };
    });
  const anyName = fc.string({ unit: "binary", maxLength: 12 }).filter((name) => name !== "__metadata__");
  const anyMap = fc.uniqueArray(fc.tuple(anyName, anyTensor), { selector: ([name]) => name, maxLength: 6 });
  const anyMetadata = fc.dictionary(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }));
  fc.assert(
    fc.property(anyMap, anyMetadata, (entries, metadata) => {
      const tensors = new Map(entries);
      const read = decodeSafetensors(encodeSafetensors(tensors, new Map(Object.entries(metadata))));
      expect(plain(read.tensors)).toEqual(plain(tensors));
      expect(Object.fromEntries(read.metadata)).toEqual({ ...metadata });
    }),
    { seed: 1, numRuns: 200 },
  );
});

const U8 = (begin: number, end: number) => `{"dtype":"U8","shape":[${end - begin}],"data_offsets":[${begin},${end}]}`;
const malformed: [string, Uint8Array, RegExp][] = [
  ["an empty file", new Uint8Array(0), /has 0 bytes/],
  ["a header length beyond the limit", file("{}", 0, 100_000_001n), /more than the format allows/],
  ["a header length of 2^64 - 1", file("{}", 0, 2n ** 64n - 1n), /more than the format allows/],
  ["a header longer than the file", file("{}", 0, 50n), /fewer than its header/],
  ["a header that is a list", file("[]"), /does not begin with \{/],
  ["a header that is cut off", file('{"a":'), /no JSON/],
  ["a header that is not UTF-8", file('{"?":1}').map((byte) => (byte === 0x3f ? 0xff : byte)), /no JSON/],
  ["a name twice", file(`{"a":${U8(0, 1)},"a":${U8(0, 1)}}`, 1), /key "a".*twice/],
  ["a name twice, spelt differently", file(`{"a":${U8(0, 1)},"\\u0061":${U8(0, 1)}}`, 1), /key "a".*twice/],
  ["offsets twice", file('{"a":{"dtype":"U8","shape":[1],"shape":[1],"data_offsets":[0,1]}}', 1), /"shape".*twice/],
  ["tensors that overlap", file(`{"a":${U8(0, 3)},"b":${U8(2, 5)}}`, 5), /tensor "b".*inside another/],
  ["tensors that share their data", file(`{"a":${U8(0, 3)},"b":${U8(0, 3)}}`, 3), /inside another/],
  ["a hole between tensors", file(`{"a":${U8(0, 2)},"b":${U8(3, 5)}}`, 5), /tensor "b".*hole/],
  ["a hole before the first", file(`{"a":${U8(1, 2)}}`, 2), /hole/],
  ["bytes behind the last", file(`{"a":${U8(0, 2)}}`, 3), /end at 2, its data at 3/],
  ["data that is cut off", file(`{"a":${U8(0, 2)}}`, 1), /outside the 1 bytes/],
  ["offsets in the wrong order", file('{"a":{"dtype":"U8","shape":[0],"data_offsets":[2,1]}}', 2), /outside/],
  ["a negative offset", file('{"a":{"dtype":"U8","shape":[1],"data_offsets":[-1,0]}}', 1), /two whole numbers/],
  ["a fractional offset", file('{"a":{"dtype":"U8","shape":[1],"data_offsets":[0.5,1]}}', 1), /two whole numbers/],
  ["one offset", file('{"a":{"dtype":"U8","shape":[1],"data_offsets":[0]}}', 1), /two whole numbers/],
  ["a shape that disagrees", file('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}', 4), /takes 8/],
  ["a negative size", file('{"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,0]}}'), /no list of sizes/],
  ["sizes that overflow", file('{"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}}'), /no list/],
  ["an unknown element type", file('{"a":{"dtype":"F4","shape":[],"data_offsets":[0,0]}}'), /"F4" is not one of F64/],
  ["an inherited name as type", file('{"a":{"dtype":"toString","shape":[],"data_offsets":[0,0]}}'), /is not one of/],
  ["an unknown field", file('{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"x":1}}'), /unknown field "x"/],
  ["a tensor that is a number", file('{"a":1}'), /not described by an object/],
  ["metadata that is no string", file('{"__metadata__":{"a":1}}'), /metadata "a".*no string/],
  ["metadata that is a list", file('{"__metadata__":["a"]}'), /metadata.*no object/],
  [
    "a shape nested 100,000 deep",
    file(`{"a":{"dtype":"U8","shape":${"[".repeat(1e5)}${"]".repeat(1e5)},"data_offsets":[0,0]}}`),
    /no list of sizes/,
  ],
];

test.each(malformed)("%s is refused", (_, bytes, message) => {
  const error = thrown(() => decodeSafetensors(bytes, "x.safetensors"));
  expect(error).toBeInstanceOf(GraftError);
  expect(error).toMatchObject({ code: "SAFETENSORS", message: expect.stringMatching(message) });
  expect((error as GraftError).message).toContain("x.safetensors");
});

test("a file cut off anywhere, or with any byte changed, is read or refused, nothing else", () => {
  const whole = new Uint8Array(fixture("types.safetensors"));
  const acceptable = (bytes: Uint8Array) => {
    const error = thrown(() => decodeSafetensors(bytes));
    if (error !== undefined && !(error instanceof GraftError)) throw error;
    return error !== undefined;
  };
  for (let length = 0; length < whole.length; length++) expect(acceptable(whole.subarray(0, length))).toBe(true);
  const next = random(3);
  let refused = 0;
  for (let k = 0; k < 2000; k++) {
    const bytes = whole.slice();
    bytes[next.int(bytes.length)] = next.int(256);
    if (acceptable(bytes)) refused++;
  }
  expect(refused).toBeGreaterThan(500); // most of the file is its header
});

test("types that the format lacks are refused when writing", () => {
  const text: Tensor = { dtype: "string", shape: [0], bytes: new Uint8Array(0), strings: [] };
  expect(() => encodeSafetensors(new Map([["words", text]]))).toThrow(/tensor "words".*The format has float64/);
});

test.each([
  ['{"a":1,"b":{"a":2},"c":[{"a":1},{"a":1}]}', undefined],
  ['{"a":"a","b":"\\"a\\":","c":["a","a"]}', undefined],
  ['{"a" :1, "b":[{"x":1,"y":{},"x" : 2}]}', "x"],
  ['{"\\\\":1,"\\\\":2}', "\\"],
])("duplicateKey(%s) is %s", (text, key) => {
  expect(duplicateKey(text)).toBe(key);
});

function thrown(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

/** Views into different buffers, made comparable. */
function plain(tensors: ReadonlyMap<string, Tensor>) {
  const sorted = [...tensors].sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([name, { dtype, shape, bytes }]) => [name, dtype, shape, Buffer.from(bytes).toString("hex")]);
}
