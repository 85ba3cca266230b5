import { readFileSync } from "node:fs";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { GraftError } from "../../base/index.ts";
import { decodeModel } from "../index.ts";
import { AttributeProtoSchema, GraphProtoSchema, ModelProtoSchema, type TensorProtoSchema } from "./gen/onnx_pb.js";

const text = (content: string) => new TextEncoder().encode(content);
const kitchen = new Uint8Array(readFileSync(new URL("../../../test/fixtures/onnx/kitchen.onnx", import.meta.url)));

/** A model y = x + w around what a test is about. */
function model(parts: MessageInitShape<typeof GraphProtoSchema>, opset = 18n): Uint8Array {
  const type = { value: { case: "tensorType" as const, value: { elemType: 1 } } };
  const graph = {
    name: "g",
    node: [{ input: ["x", "w"], output: ["y"], opType: "Add" }],
    initializer: [{ name: "w", dims: [1n], dataType: 1, rawData: new Uint8Array(4) }],
    input: [{ name: "x", type }],
    output: [{ name: "y", type }],
    ...parts,
  };
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, { irVersion: 8n, opsetImport: [{ version: opset }], graph }),
  );
}

type TensorInit = MessageInitShape<typeof TensorProtoSchema>;
const withTensor = (tensor: TensorInit) => model({ initializer: [{ name: "w", dataType: 1, ...tensor }] });
const outside = (entries: Record<string, string>, dims = [2n]) =>
  withTensor({ dims, dataLocation: 1, externalData: Object.entries(entries).map(([key, value]) => ({ key, value })) });

const files: [string, Uint8Array, RegExp][] = [
  ["an empty file", new Uint8Array(0), /it is empty \(0 bytes\)/],
  ["a web page", text("\n<!DOCTYPE html><html><body>Not found</body></html>"), /a web page.*Download the file itself/],
  ["a Git LFS pointer", text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n"), /git lfs pull/],
  ["a zip archive", Uint8Array.of(0x50, 0x4b, 3, 4, 20, 0, 0, 0, 8, 0), /a zip archive.*export the model to ONNX/],
  ["a PNG", Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0, 0, 13), /a PNG picture/],
  ["a JPEG", Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 16, 0x4a, 0x46), /a JPEG picture/],
  ["text", text("epoch,loss\n1,2.5\n"), /looks like text/],
  ["safetensors", Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7d), /looks like safetensors/],
  ["an HDF5 file", Uint8Array.of(0x89, 0x48, 0x44, 0x46, 13, 10, 26, 10), /HDF5/],
  ["zeros", new Uint8Array(1000), /begins with zeros/],
  ["half a model", kitchen.subarray(0, 300), /damaged or cut off \(300 bytes\)/],
  ["a model without a graph", toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion: 8n })), /no graph/],
  [
    "a model without an operator set",
    toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion: 8n, graph: {} })),
    /no operator set/,
  ],
  ["a varint without end", new Uint8Array(100).fill(0xff), /not a whole ONNX model/],
  ["a length of 4 GB", Uint8Array.of(0x3a, 0xff, 0xff, 0xff, 0xff, 0x0f, 1, 2, 3), /damaged or cut off/],
  ["subgraphs nested 5,000 deep", nested(5000), /damaged or cut off/],
];

const tensors: [string, Uint8Array, RegExp][] = [
  [
    "a negative size",
    withTensor({ dims: [-1n], rawData: new Uint8Array(4) }),
    /tensor "w".*\[-1\].*whole, not negative/,
  ],
  ["sizes whose product overflows", withTensor({ dims: [2n ** 32n, 2n ** 32n] }), /\[4294967296, 4294967296\]/],
  ["a size beyond 2^53", withTensor({ dims: [2n ** 62n] }), /fit in memory/],
  ["a terabyte with no data", withTensor({ dims: [2n ** 38n] }), /holds 0 values for float32\[274877906944\]/],
  [
    "raw data too short",
    withTensor({ dims: [2n], rawData: new Uint8Array(7) }),
    /7 bytes for float32\[2\], which takes 8/,
  ],
  ["raw data too long", withTensor({ dims: [], rawData: new Uint8Array(8) }), /8 bytes for float32\[\], which takes 4/],
  ["typed data too short", withTensor({ dims: [3n], floatData: [1, 2] }), /2 values for float32\[3\], which takes 3/],
  ["data in another type's field", withTensor({ dims: [2n], int64Data: [1n, 2n] }), /0 values/],
  ["too few strings", withTensor({ dims: [2n], dataType: 8, stringData: [text("a")] }), /1 strings/],
  ["no element type", withTensor({ dims: [1n], dataType: 0 }), /UNDEFINED/],
  [
    "an element type graft does not know",
    withTensor({ dims: [1n], dataType: 17, rawData: new Uint8Array(1) }),
    /FLOAT8E4M3FN.*Export the model in float32/,
  ],
  ["an element type nobody knows", withTensor({ dims: [1n], dataType: 1234 }), /number 1234/],
  ["segments", withTensor({ dims: [1n], segment: { begin: 0n, end: 1n }, floatData: [1] }), /segments/],
];

const external: [string, Uint8Array, RegExp][] = [
  ["a location that leads up", outside({ location: "../secret" }), /"\.\.\/secret", which leads out/],
  ["a location that leads up from below", outside({ location: "a/../../secret" }), /leads out/],
  ["a location that leads up, Windows style", outside({ location: "a\\..\\..\\secret" }), /leads out/],
  ["an absolute location", outside({ location: "/etc/passwd" }), /"\/etc\/passwd", which is an absolute path/],
  ["an absolute location on a drive", outside({ location: "C:\\secret" }), /absolute/],
  ["a network location", outside({ location: "\\\\host\\share" }), /absolute/],
  ["a location with a zero byte", outside({ location: "w\0.bin" }), /zero byte/],
  ["no location", outside({ offset: "0" }), /names no file/],
  ["a negative offset", outside({ location: "w.bin", offset: "-8" }), /offset "-8"/],
  ["a negative length", outside({ location: "w.bin", length: "-8" }), /length "-8"/],
  ["a fractional offset", outside({ location: "w.bin", offset: "1.5" }), /whole numbers/],
  ["an offset beyond 2^53", outside({ location: "w.bin", offset: "99999999999999999999" }), /whole numbers/],
  ["an offset in another notation", outside({ location: "w.bin", offset: "0x10" }), /whole numbers/],
  ["a length that disagrees", outside({ location: "w.bin", length: "4" }), /4 external bytes.*ask for 8/],
  ["an offset past the end", outside({ location: "w.bin", offset: "96" }), /bytes 96 to 104 of "w.bin", which has 100/],
  ["an offset far past the end", outside({ location: "w.bin", offset: "9007199254740991" }), /which has 100/],
  ["a terabyte", outside({ location: "w.bin" }, [2n ** 38n]), /bytes 0 to 1099511627776 of "w.bin", which has 100/],
  ["a missing file", outside({ location: "other.bin" }), /"other.bin", which is missing.*beside the model/],
];

const graphs: [string, Uint8Array, RegExp][] = [
  ["an input nothing makes", model({ node: [add(["x", "v"], "y")] }), /Add node "y".*reads "v", which nothing makes/],
  ["an output nothing makes", model({ node: [] }), /output "y".*nothing makes it/],
  [
    "a value made twice",
    model({ node: [add(["x", "w"], "y"), add(["w", "x"], "y")] }),
    /value "y".*second time, by Add/,
  ],
  ["a weight there twice", model({ initializer: [w(), w()] }), /initializer "w".*twice/],
  ["a node that feeds itself", model({ node: [add(["y", "w"], "y")] }), /Add node "y".*cycle through its input "y"/],
  [
    "a cycle",
    model({ node: [add(["x", "b"], "a"), add(["a", "w"], "b"), add(["a", "b"], "y")] }),
    /cycle through its input "(a|b)"/,
  ],
  [
    "an operator set that is not imported",
    model({ node: [{ ...add(["x", "w"], "y"), domain: "com.acme" }] }),
    /com\.acme\.Add node "y".*"com\.acme" is not imported/,
  ],
  ["a node without an operator", model({ node: [{ input: ["x"], output: ["y"] }] }), /no operator/],
];

test.each([
  ...files.map((entry) => ["NOT_ONNX", ...entry] as const),
  ...tensors.map((entry) => ["TENSOR", ...entry] as const),
  ...external.map((entry) => ["EXTERNAL_DATA", ...entry] as const),
  ...graphs.map((entry) => ["GRAPH", ...entry] as const),
])("%s: %s is refused", (code, _, bytes, message) => {
  const asked: string[] = [];
  const externalData = (location: string) => {
    asked.push(location);
    return location === "w.bin" ? new Uint8Array(100) : undefined;
  };
  const error = thrown(() => decodeModel(bytes, { name: "x.onnx", externalData }));
  expect(error).toBeInstanceOf(GraftError);
  expect((error as GraftError).message).toMatch(message);
  expect(error).toMatchObject({ code });
  expect((error as GraftError).message).toContain("x.onnx");
  // Nothing unsafe is even looked up.
  for (const location of asked) expect(["w.bin", "other.bin"]).toContain(location);
});

test("sparse weights are refused by name", () => {
  const bytes = model({ sparseInitializer: [{ values: { name: "s" } }] });
  expect(thrown(() => decodeModel(bytes))).toMatchObject({
    code: "UNSUPPORTED_MODEL",
    thing: 'sparse initializer "s"',
  });
});

test("external data without a way to find it is refused", () => {
  const error = thrown(() => decodeModel(outside({ location: "w.bin" })));
  expect((error as GraftError).message).toMatch(/"w\.bin", which is not given.*from its path/);
});

test("external data at an offset is viewed in place", () => {
  const data = new Uint8Array(100).fill(7, 8, 16);
  const graph = decodeModel(outside({ location: "w.bin", offset: "8" }), { externalData: () => data });
  expect(graph.initializers.get("w")?.bytes).toEqual(new Uint8Array(8).fill(7));
});

function add(input: string[], output: string) {
  return { input, output: [output], opType: "Add" };
}

function w(): TensorInit {
  return { name: "w", dims: [1n], dataType: 1, rawData: new Uint8Array(4) };
}

/** An If in an If in an If ..., written from the inside out by hand: `toBinary` would run out of stack. */
function nested(depth: number): Uint8Array {
  const wrap = (field: number, inner: number[]) => {
    const length: number[] = [];
    for (let rest = inner.length; ; rest >>>= 7) {
      length.push((rest & 127) | (rest > 127 ? 128 : 0));
      if (rest <= 127) break;
    }
    return [(field << 3) | 2, ...length, ...inner];
  };
  const { node } = GraphProtoSchema.field;
  const { g } = AttributeProtoSchema.field;
  let graph: number[] = [];
  for (let k = 0; k < depth; k++) graph = wrap(node.number, wrap(5, wrap(g.number, graph)));
  return Uint8Array.from(wrap(7, graph));
}

function thrown(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}
