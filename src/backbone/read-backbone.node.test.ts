import { copyFile, cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { hashGraph } from "../graph/index.ts";
import { readBackbone } from "./read-backbone.node.ts";

const ENCODERS = "test/fixtures/encoders";
const AUTHORED = "test/fixtures/authored";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "graft-read-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function lay(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, from] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await copyFile(from, join(folder, path));
  }
}

const hashOf = async (path: string) => hashGraph((await readBackbone(path)).graph);

test("a folder as Transformers.js lays it out is read, the wanted file of it", async () => {
  const [whole, half] = [`${ENCODERS}/bert-dynamo18.onnx`, `${ENCODERS}/bert-sdpa-ts14.onnx`];
  await lay({ "onnx/model.onnx": whole, "onnx/model_fp16.onnx": half });
  const found = await readBackbone(folder);
  expect(await hashGraph(found.graph)).toBe(await hashOf(whole));
  expect(found.notes).toEqual(["took onnx/model.onnx (fp32); there are also fp16"]);
  const other = await readBackbone(folder, { variant: "fp16" });
  expect(await hashGraph(other.graph)).toBe(await hashOf(half));
  await expect(readBackbone(folder, { variant: "q8" })).rejects.toMatchObject({ code: "ONNX_VARIANT" });
});

test("picture settings are found beside the folder's file and beside a file's folder", async () => {
  await lay({ "onnx/model.onnx": `${ENCODERS}/vit-ts17.onnx` });
  await writeFile(join(folder, "preprocessor_config.json"), '{"image_mean": [0.1, 0.2, 0.3]}');
  for (const path of [folder, join(folder, "onnx/model.onnx")])
    expect((await readBackbone(path)).options).toMatchObject({ source: path, mean: [0.1, 0.2, 0.3] });
});

test("picture settings below image_processor in a processor_config.json are read where there is no other file", async () => {
  await lay({ "onnx/model.onnx": `${ENCODERS}/vit-ts17.onnx` });
  const write = (name: string, content: object) => writeFile(join(folder, name), JSON.stringify(content));
  await write("processor_config.json", { processor_class: "CLIPProcessor" });
  expect((await readBackbone(folder)).options).not.toHaveProperty("mean");
  const nested = { image_processor_type: "CLIPImageProcessor", image_mean: [0.4, 0.5, 0.6], resample: 2 };
  await write("processor_config.json", { image_processor: nested, processor_class: "CLIPProcessor" });
  expect((await readBackbone(folder)).options).toMatchObject({
    mean: [0.4, 0.5, 0.6],
    resize: { mode: "shortest-edge", share: 1, filter: "bilinear" },
  });
  await write("preprocessor_config.json", { image_mean: [0.1, 0.2, 0.3] });
  expect((await readBackbone(folder)).options).toMatchObject({ mean: [0.1, 0.2, 0.3] });
  await rm(join(folder, "preprocessor_config.json"));
  await write("processor_config.json", { image_processor: { size: "large" } });
  await expect(readBackbone(folder)).rejects.toThrow(/processor_config\.json: size: must be/);
});

test("a folder of safetensors is built as a graph, at the picture size its processor says", async () => {
  await cp(`${AUTHORED}/dinov2-smaller`, folder, { recursive: true });
  const { graph, notes } = await readBackbone(folder);
  expect(graph.types.get("pixel_values")?.shape).toEqual(["batch", 3, 16, 16]);
  expect(notes).toEqual(["there is no ONNX file: the model is built from model.safetensors"]);
  await writeFile(join(folder, "preprocessor_config.json"), '{"size": {"shortest_edge": 14}, "crop_size": 12}');
  expect((await readBackbone(folder)).graph.types.get("pixel_values")?.shape).toEqual(["batch", 3, 12, 12]);
});

test("safetensors in pieces are put together", async () => {
  const { graph } = await readBackbone(`${AUTHORED}/bert-classifier-bfloat16-shards`);
  expect(graph.outputs).toEqual(["last_hidden_state", "pooler_output"]);
  await cp(`${AUTHORED}/bert-classifier-bfloat16-shards`, folder, { recursive: true });
  await rm(join(folder, "model-00002-of-00002.safetensors"));
  await expect(readBackbone(folder)).rejects.toMatchObject({ code: "FILE_MISSING" });
  await writeFile(join(folder, "model.safetensors.index.json"), '{"weight_map": {"a": "../a.safetensors"}}');
  await expect(readBackbone(folder)).rejects.toThrow(/its weight_map does not name files beside it/);
});

test("a folder without a model, or with one that cannot be built, is refused by name", async () => {
  await expect(readBackbone(folder)).rejects.toMatchObject({ code: "MODEL_NOT_FOUND", thing: `folder ${folder}` });
  await cp(`${AUTHORED}/vit`, folder, { recursive: true });
  await writeFile(join(folder, "config.json"), '{"model_type": "swin"}');
  await expect(readBackbone(folder)).rejects.toMatchObject({ code: "MODEL_TYPE" });
  await writeFile(join(folder, "config.json"), "{");
  await expect(readBackbone(folder)).rejects.toThrow(/config\.json": it is not JSON/);
});
