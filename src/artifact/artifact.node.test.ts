import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import * as ort from "onnxruntime-node";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  type ImageBackbone,
  TINY,
  tinyBackbones,
  tinyPostNorm,
  tinyPreNorm,
  tinyTask,
} from "../../test/support/tiny-backbone.ts";
import { pixelsFor, relativeError, trainedTensors } from "../../test/support/tiny-runs.ts";
import { parsePlacement } from "../adapters/index.ts";
import { openGraph } from "../backbone/index.ts";
import { decodeSafetensors, encodeSafetensors } from "../formats/index.ts";
import { readModel, writeModel } from "../graph/index.node.ts";
import { checkGraph, createBuilder, decodeModel, type Graph, tensorOf } from "../graph/index.ts";
import { type TunedSpec, tunedParameters } from "../methods/index.ts";
import type { HostTensor } from "../runtime/index.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { imagesAt } from "../tasks/index.ts";
import { outputsOf, type TunedModel, train } from "../training/index.ts";
import { ADAPTERS_JSON, ADAPTERS_TENSORS, encodeAdapters } from "./adapters-file.ts";
import { exportModel } from "./export-model.ts";
import { claimFolder, loadTrained, MODEL_FILE, saveTrained, trainingIn } from "./trained-folder.node.ts";

const states = 2 * TINY.blocks + 1;
const task = tinyTask({ test: 11 });

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "graft-artifact-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** As if trained: every parameter random, so that each adapter matters. */
async function modelOn(open: typeof tinyPreNorm, options = {}): Promise<TunedModel & { backbone: ImageBackbone }> {
  const backbone = await open(options);
  const placement = parsePlacement("4-1,0-3,2-2,1-2", { states, defaultRank: 3 });
  const adapter = { activation: "tanh", scale: "channel" } as const;
  const spec: TunedSpec = { method: { kind: "adapters", placement, adapter }, goal: task.goal };
  return { backbone, spec, tensors: trainedTensors(tunedParameters(backbone, spec), 5) };
}

/** Run a file in a plain session of the runtime, nothing of ours in between. */
async function plainLogits(path: string, feeds: Record<string, HostTensor>): Promise<Float32Array> {
  const session = await ort.InferenceSession.create(path, { intraOpNumThreads: 1 });
  const tensors = Object.entries(feeds).map(
    ([name, { data, shape }]) => [name, new ort.Tensor("float32", data as Float32Array, shape)] as const,
  );
  const { logits } = await session.run(Object.fromEntries(tensors));
  expect(session.outputNames).toEqual(["logits"]);
  await session.release();
  return logits!.data as Float32Array;
}

describe.each(Object.entries(tinyBackbones))("an exported %s model", (_, open) => {
  test("computes the trained logits in a plain session, at batch 1 and 5, and passes checkGraph", async () => {
    const model = await modelOn(open);
    const graph = exportModel(model);
    checkGraph(graph);
    expect(graph.inputs).toEqual([model.backbone.input.name]);
    expect(graph.types.get("logits")).toEqual({ dtype: "float32", shape: ["batch", task.goal.classes.length] });
    const path = join(folder, "model.onnx");
    await writeModel(graph, path);
    const trained = await outputsOf(model, task.test, { threads: 1 });
    const { input } = model.backbone;
    for (const size of [1, 5]) {
      for (let start = 0; start + size <= task.test.count; start += size) {
        const indices = Array.from({ length: size }, (_, k) => start + k);
        const images = imagesAt(task.test, indices, { ...input, batchSize: size });
        const shape = [size, 3, input.height, input.width];
        const logits = await plainLogits(path, { [input.name]: { dtype: "float32", shape, data: images } });
        // The plain session may fuse what ours does not: equal but for float32 rounding.
        expect(relativeError(logits, trained.subarray(3 * start, 3 * (start + size)))).toBeLessThan(1e-5);
      }
    }
    expect(relativeError(trained, await outputsOf({ ...model, tensors: zeroed(model) }, task.test))).toBeGreaterThan(
      0.1,
    );
  });
});

const zeroed = ({ tensors }: TunedModel) =>
  new Map(
    [...tensors].map(([name, tensor]) =>
      name.endsWith("up.weight") ? [name, { ...tensor, bytes: new Uint8Array(tensor.bytes.length) }] : [name, tensor],
    ),
  );

test("the frozen weights of an exported file are the input file's, byte for byte, after real training", async () => {
  const author = (await tinyPreNorm()).graph;
  const given = join(folder, "given.onnx");
  await writeModel({ ...author, metadata: new Map([["license", "mine"]]) }, given);
  const before = await readFile(given);
  const backbone = await openGraph(await readModel(given), nodeRuntime, { source: given });
  const placement = parsePlacement("1-2,4-0", { states, defaultRank: 2 });
  const model = await train(backbone, task, placement, { options: { epochs: 1, threads: 1 } });
  await saveTrained(model, folder);
  expect(await readFile(given)).toEqual(before);
  const exported = await readModel(join(folder, MODEL_FILE));
  const original = decodeModel(before);
  const weights = [...original.initializers].filter(([, { dtype, shape }]) => dtype === "float32" && shape.length > 0);
  expect(weights.length).toBeGreaterThan(20);
  for (const [name, { shape, bytes }] of weights) {
    expect(exported.initializers.get(name)!.shape, name).toEqual(shape);
    expect(Buffer.compare(exported.initializers.get(name)!.bytes, bytes), name).toBe(0);
  }
  expect(exported.metadata.get("license")).toBe("mine");
  expect(JSON.parse(exported.metadata.get("graft.goal")!)).toEqual(task.goal);
});

test("a model with a classifier of its own loses it: one output, and its head's weights are gone", async () => {
  const plain = await modelOn(tinyPreNorm);
  const g = createBuilder(plain.backbone.graph);
  const weight = g.constant(tensorOf("float32", [16, 2], new Array(32).fill(1)), "classifier.weight");
  g.rename(g.matmul(g.reduceMean(g.value(plain.backbone.features), [1], false), weight), "logits");
  const withHead: Graph = g.toGraph(["logits"]);
  const graph = exportModel({ ...plain, backbone: { ...plain.backbone, graph: withHead } });
  expect(graph.outputs).toEqual(["logits"]);
  expect(graph.initializers.has("classifier.weight")).toBe(false);
  const feeds = pixelsFor(plain.backbone, 2, 1);
  const [own, expected] = await Promise.all(
    [graph, exportModel(plain)].map(async (each) => (await nodeRuntime.open(each, { threads: 1 })).run(feeds)),
  );
  expect(own!.logits!.data).toEqual(expected!.logits!.data);
});

describe("a saved folder", () => {
  let model: TunedModel;
  beforeAll(async () => {
    model = await modelOn(tinyPreNorm, { pooling: "mean" });
  });
  const json = () => join(folder, ADAPTERS_JSON);
  const tensors = () => join(folder, ADAPTERS_TENSORS);
  const edit = async (change: (description: Record<string, unknown>) => void) => {
    const description = JSON.parse(await readFile(json(), "utf8"));
    change(description);
    await writeFile(json(), JSON.stringify(description));
  };
  const edges = (text: string) => (description: Record<string, unknown>) =>
    Object.assign(description.method as object, { placement: parsePlacement(text, { states: 99 }) });
  const editTensors = async (change: (named: Map<string, ReturnType<typeof tensorOf>>) => void) => {
    const { tensors: named } = decodeSafetensors(await readFile(tensors()));
    const copy = new Map(named) as Map<string, ReturnType<typeof tensorOf>>;
    change(copy);
    await writeFile(tensors(), encodeSafetensors(copy));
  };
  const load = async (backbone = model.backbone) => loadTrained(folder, backbone);

  test("comes back as it was, whatever pooling the backbone was opened with", async () => {
    expect(await trainingIn(folder)).toBe("nothing");
    await saveTrained(model, folder);
    expect(await trainingIn(folder)).toBe("trained");
    const loaded = await load(await tinyPreNorm());
    expect(loaded.backbone.pooling).toBe("mean");
    expect(loaded.spec).toMatchObject({ method: model.spec.method, goal: task.goal });
    const bits = (named: TunedModel["tensors"]) =>
      [...named].map(([name, { shape, bytes }]) => [name, [...shape], Buffer.from(bytes).toString("hex")]).sort();
    expect(bits(loaded.tensors)).toEqual(bits(model.tensors));
    expect(await outputsOf(loaded, task.test, { threads: 1 })).toEqual(
      await outputsOf(model, task.test, { threads: 1 }),
    );
    // Saved again, the same bytes.
    expect(encodeAdapters(loaded).safetensors).toEqual(encodeAdapters(model).safetensors);
  });

  test("a picture of the placement lies beside the card, and goes with a training that has none", async () => {
    const picture = join(folder, "placement.svg");
    await saveTrained(model, folder, { data: "d", measures: [], seconds: 1, picture: "<svg/>" });
    expect(await readFile(picture, "utf8")).toBe("<svg/>");
    await saveTrained(model, folder);
    await expect(readFile(picture)).rejects.toMatchObject({ code: "ENOENT" });
  });

  test("one that an earlier version wrote, with a placement for a method, opens", async () => {
    await saveTrained(model, folder);
    await edit((it) => {
      const { adapter } = it.method as { adapter: object };
      Object.assign(it, { schema: 1, placement: "4-1@r3,0-3@r3,2-2@r3,1-2@r3", adapter });
      delete it.method;
    });
    const loaded = await load();
    expect(loaded.spec).toMatchObject(model.spec);
    expect([...loaded.tensors.keys()].sort()).toEqual([...model.tensors.keys()].sort());
  });

  test("another backbone is refused, with both hashes and the way out", async () => {
    await saveTrained(model, folder);
    for (const other of [await tinyPreNorm({ pooling: "mean" }, 2), await tinyPostNorm()]) {
      const error = await load(other).catch((thrown: Error) => thrown);
      expect(error).toMatchObject({ code: "BACKBONE_MISMATCH" });
      expect((error as Error).message).toContain(model.backbone.hash.slice(0, 12));
      expect((error as Error).message).toContain(other.hash.slice(0, 12));
      expect((error as Error).message).toContain(model.backbone.source);
    }
  });

  test("missing, additional and misshapen tensors are refused by name", async () => {
    const name = "adapters.4-1.down.weight";
    const cases = [
      ["PARAMETER_MISSING", (named) => named.delete(name)],
      ["PARAMETER_SHAPE", (named) => named.set(name, tensorOf("float32", [3, 16], new Float32Array(48)))],
      ["PARAMETER_SHAPE", (named) => named.set(name, tensorOf("float64", [16, 3], new Float64Array(48)))],
      ["PARAMETER_UNKNOWN", (named) => named.set(`${name}.more`, tensorOf("float32", [1], [1]))],
    ] satisfies [string, (named: Map<string, ReturnType<typeof tensorOf>>) => unknown][];
    for (const [code, change] of cases) {
      await saveTrained(model, folder);
      await editTensors(change);
      await expect(load()).rejects.toMatchObject({ code, message: expect.stringContaining(name) });
    }
  });

  test.each([
    ["no JSON", () => writeFile(json(), "{"), "ADAPTERS_JSON", /not JSON/],
    ["empty", () => writeFile(json(), ""), "ADAPTERS_JSON", /not JSON/],
    ["a list", () => writeFile(json(), "[]"), "ADAPTERS_JSON", /adapters.json/],
    ["another schema", () => edit((it) => Object.assign(it, { schema: 3 })), "ADAPTERS_JSON", /schema/],
    ["an unknown key", () => edit((it) => Object.assign(it, { more: 1 })), "ADAPTERS_JSON", /more/],
    [
      "no classes",
      () => edit((it) => Object.assign(it, { goal: { kind: "classify", classes: [] } })),
      "ADAPTERS_JSON",
      /goal.classes/,
    ],
    ["an edge out of range", () => edit(edges("9-1@r3")), "EDGE_OUT_OF_RANGE", /9/],
    ["an edge less", () => edit(edges("4-1@r3")), "PARAMETER_UNKNOWN", /0-3|1-2|2-2/],
    ["no such method", () => edit((it) => Object.assign(it, { method: { kind: "x" } })), "ADAPTERS_JSON", /method/],
    ["no tensors file", () => rm(tensors()), "FILE_MISSING", /adapters.safetensors/],
    [
      "a truncated tensors file",
      async () => writeFile(tensors(), (await readFile(tensors())).subarray(0, -7)),
      "SAFETENSORS",
      /adapters.safetensors/,
    ],
  ] as [string, () => Promise<unknown>, string, RegExp][])("damaged: %s", async (_, damage, code, message) => {
    await saveTrained(model, folder);
    await damage();
    await expect(load()).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });
});

describe("the folder", () => {
  const list = async () => (await readdir(folder, { recursive: true })).filter((name) => /\.\w+$/.test(name)).sort();

  test("holds what pipelines read, and loses what an earlier training of another kind left", async () => {
    const model = await modelOn(tinyPreNorm);
    for (const name of ["1_Pooling/config.json", "onnx/model_quantized.onnx", "tokenizer.json", "mine.txt"]) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), "old");
    }
    await saveTrained(model, folder);
    const files = ["README.md", ADAPTERS_JSON, ADAPTERS_TENSORS, "config.json", "mine.txt", MODEL_FILE];
    expect(await list()).toEqual([...files, "preprocessor_config.json"].sort());
  });

  test("is not taken where it holds somebody else's files, or the backbone", async () => {
    const model = await modelOn(tinyPreNorm);
    await writeFile(join(folder, "README.md"), "mine");
    await expect(claimFolder(folder)).rejects.toMatchObject({ code: "OUT_EXISTS" });
    expect(await readFile(join(folder, "README.md"), "utf8")).toBe("mine");
    const own = { ...model, backbone: { ...model.backbone, folder } };
    await expect(saveTrained(own, folder)).rejects.toMatchObject({ code: "OUT_IS_BACKBONE" });
    await saveTrained(model, folder);
    await claimFolder(folder); // of a training now
    const source = { ...model, backbone: { ...model.backbone, source: join(folder, MODEL_FILE) } };
    await expect(saveTrained(source, folder)).rejects.toMatchObject({ code: "OUT_IS_BACKBONE" });
  });

  test("keeps what it had, all of it, when the model cannot be written", async () => {
    const model = await modelOn(tinyPreNorm);
    await saveTrained(model, folder);
    const before = await Promise.all((await list()).map((name) => readFile(join(folder, name))));
    await rm(join(folder, MODEL_FILE));
    await mkdir(join(folder, MODEL_FILE)); // a folder in its place
    const other = { ...model, tensors: zeroed(model) };
    await expect(saveTrained(other, folder)).rejects.toMatchObject({ code: "FILE_IS_FOLDER" });
    await rm(join(folder, MODEL_FILE), { recursive: true });
    const names = [ADAPTERS_JSON, ADAPTERS_TENSORS, "config.json"];
    expect(await list()).toEqual(["README.md", ...names, "preprocessor_config.json"].sort());
    for (const content of await Promise.all((await list()).map((name) => readFile(join(folder, name)))))
      expect(before.some((old) => old.equals(content))).toBe(true);
  });
});
