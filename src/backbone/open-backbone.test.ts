import { isAbsolute } from "node:path";
import { expect, test } from "vitest";
import { readModel } from "../graph/index.node.ts";
import { createBuilder, decodeModel, encodeModel, hashGraph } from "../graph/index.ts";
import { nodeRuntime } from "../runtime/index.node.ts";
import { openGraph } from "./open-backbone.ts";
import { parsePreprocessor } from "./preprocessor.ts";
import { readBackbone } from "./read-backbone.node.ts";

const open = async (name: string, options = {}) =>
  openGraph(await readModel(`test/fixtures/encoders/${name}.onnx`), nodeRuntime, { name, ...options });

test("a vision transformer of another exporter opens, its head left aside", async () => {
  const backbone = await open("vit-classifier-dynamo18");
  expect(backbone).toMatchObject({
    name: "vit-classifier-dynamo18",
    blocks: 2,
    normPosition: "pre",
    pooling: "cls+mean",
  });
  expect(backbone.states).toHaveLength(5);
  expect(backbone.sums).toEqual(backbone.states);
  expect(backbone.hash).toMatch(/^[0-9a-f]{64}$/);
});

test("without a class token features are averaged", async () => {
  expect((await open("siglip-vision-ts17")).pooling).toBe("mean");
});

test.each([["vit-classifier-fixed-ts14", "BATCH_FIXED", /batches of exactly 2.*dynamic batch axis/]])(
  "%s is refused for training: %s",
  async (name, code, message) => {
    const error = await open(name).catch((reason) => reason);
    expect(error).toMatchObject({ code });
    expect(error.message).toMatch(message);
  },
);

test("a text model is known by its inputs; padding is left out of its mean", async () => {
  const backbone = await open("bert-pooler-ts11");
  expect(backbone.pooling).toBe("mean");
  expect(backbone.input).toEqual({
    kind: "text",
    ids: "input_ids",
    mask: "attention_mask",
    types: "token_type_ids",
    dtype: "int64",
  });
});

test("a model of other inputs is refused", async () => {
  const g = createBuilder();
  g.rename(g.relu(g.input("series", "float32", ["batch", 4, 8])), "out");
  await expect(openGraph(g.toGraph(["out"]), nodeRuntime)).rejects.toThrow(
    /"series" float32\[batch, 4, 8\].*one picture input.*input_ids/,
  );
});

test("a model read by a relative path is found again from another folder", async () => {
  const { options } = await readBackbone("test/fixtures/encoders/vit-classifier-dynamo18.onnx");
  expect(options.name).toBe("vit-classifier-dynamo18");
  expect(isAbsolute(options.source!)).toBe(true);
});

test("another picture size than the model's is refused", async () => {
  await expect(open("vit-classifier-dynamo18", { imageSize: 224 })).rejects.toMatchObject({ code: "IMAGE_SIZE" });
});

test("picture settings come from a preprocessor_config.json", () => {
  const config = {
    image_mean: [0.1, 0.2, 0.3],
    image_std: [1, 2, 3],
    size: { shortest_edge: 256 },
    crop_size: 224,
    extra: true,
  };
  expect(parsePreprocessor(JSON.stringify(config), "x.json")).toEqual({
    mean: [0.1, 0.2, 0.3],
    std: [1, 2, 3],
    imageSize: 224,
    resize: { mode: "shortest-edge", share: 0.875, filter: "bilinear" },
  });
  expect(parsePreprocessor('{"do_normalize": false}', "x.json")).toEqual({ mean: [0, 0, 0], std: [1, 1, 1] });
  expect(() => parsePreprocessor('{"image_mean": "grey"}', "x.json")).toThrow(/x\.json: image_mean: .*expected array/);
  expect(() => parsePreprocessor("{", "x.json")).toThrow(/x\.json: it is not JSON/);
});

test("the hash follows weights, not encodings", async () => {
  const graph = await readModel("test/fixtures/encoders/vit-classifier-dynamo18.onnx");
  const before = await hashGraph(graph);
  expect(await hashGraph(decodeModel(encodeModel(graph).bytes))).toBe(before);
  const [name, tensor] = [...graph.initializers].find(([, { dtype }]) => dtype === "float32")!;
  const bytes = tensor.bytes.slice();
  bytes[0]! ^= 1;
  const changed = { ...graph, initializers: new Map(graph.initializers).set(name, { ...tensor, bytes }) };
  expect(await hashGraph(changed)).not.toBe(before);
});
