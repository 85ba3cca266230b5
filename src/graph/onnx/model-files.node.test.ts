import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readModel, writeModel } from "../index.node.ts";
import { type Graph, tensorOf } from "../index.ts";

const fixtures = fileURLToPath(new URL("../../../test/fixtures/onnx/", import.meta.url));
let root: string;
let folder: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "graft-models-"));
  folder = join(root, "model");
  await mkdir(folder);
});
afterEach(() => rm(root, { recursive: true, force: true }));

const failure = (path: string) => readModel(path).catch((error: unknown) => error);
const hex = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString("hex");

describe("a model with external data, written by ONNX's own library", () => {
  const model = () => join(folder, "outside.onnx");
  const data = () => join(folder, "outside.bin");
  beforeEach(async () => {
    await copyFile(join(fixtures, "outside.onnx"), model());
    await copyFile(join(fixtures, "outside.bin"), data());
  });

  test("is read: both tensors from their ranges", async () => {
    const graph = await readModel(model());
    const expected = JSON.parse(await readFile(join(fixtures, "outside.json"), "utf8")) as string[];
    expect(["w0", "w1"].map((name) => hex(graph.initializers.get(name)?.bytes).slice(0, 64))).toEqual(expected);
  });

  test("written inline it needs no data file, written outside it has one", async () => {
    const graph = await readModel(model());
    await writeModel(graph, join(root, "inline.onnx"));
    await writeModel(graph, join(root, "again.onnx"), { external: true, threshold: 100 });
    expect((await readdir(root)).sort()).toEqual(["again.onnx", "again.onnx.data", "inline.onnx", "model"]);
    for (const name of ["inline.onnx", "again.onnx"]) {
      const again = await readModel(join(root, name));
      for (const [tensor, { bytes }] of graph.initializers) {
        expect(hex(again.initializers.get(tensor)?.bytes)).toBe(hex(bytes));
      }
    }
  });

  test("a missing data file is named", async () => {
    await rm(data());
    expect(await failure(model())).toMatchObject({
      code: "EXTERNAL_DATA",
      message: expect.stringMatching(/tensor "w0".*outside\.onnx.*"outside\.bin", which is missing/),
    });
  });

  test("a data file that is cut off is refused", async () => {
    await truncate(data(), 1500);
    expect(await failure(model())).toMatchObject({
      code: "EXTERNAL_DATA",
      message: expect.stringMatching(/tensor "w1".*1024 to 2048 of "outside\.bin", which has 1500/),
    });
  });

  test("a folder in place of the data file is refused", async () => {
    await rm(data());
    await mkdir(data());
    expect(await failure(model())).toMatchObject({ code: "FILE_IS_FOLDER" });
  });

  test("a link that leads out of the folder is refused, one that stays inside is followed", async () => {
    await copyFile(data(), join(root, "secret"));
    await rm(data());
    await symlink("../secret", data());
    expect(await failure(model())).toMatchObject({
      code: "EXTERNAL_DATA",
      message: expect.stringMatching(/link that leads out of the model's folder/),
    });
    await rm(data());
    await mkdir(join(folder, "blobs"));
    await copyFile(join(root, "secret"), join(folder, "blobs/1"));
    await symlink("blobs/1", data());
    expect((await readModel(model())).initializers.size).toBe(2);
  });

  test("a folder that is a link out is refused, too", async () => {
    const bytes = await readFile(model(), "latin1");
    // Same length, so that the lengths in the message stay right.
    await writeFile(model(), bytes.replaceAll("outside.bin", "sub/out.bin"), "latin1");
    await mkdir(join(root, "elsewhere"));
    await copyFile(data(), join(root, "elsewhere/out.bin"));
    await symlink("../elsewhere", join(folder, "sub"));
    expect(await failure(model())).toMatchObject({ code: "EXTERNAL_DATA" });
    await rm(join(folder, "sub"));
    await mkdir(join(folder, "sub"));
    await copyFile(data(), join(folder, "sub/out.bin"));
    expect((await readModel(model())).initializers.size).toBe(2);
  });

  test("a download cache, where model and data are links to one folder of blobs, is read", async () => {
    const snapshot = join(root, "snapshot");
    await mkdir(snapshot);
    await symlink("../model/outside.onnx", join(snapshot, "model.onnx"));
    await symlink("../model/outside.bin", join(snapshot, "outside.bin"));
    expect((await readModel(join(snapshot, "model.onnx"))).initializers.size).toBe(2);
  });
});

test("a missing model, a folder and a device are refused by name", async () => {
  expect(await failure(join(folder, "none.onnx"))).toMatchObject({ code: "FILE_MISSING" });
  expect(await failure(folder)).toMatchObject({ code: "FILE_IS_FOLDER", thing: `"${folder}"` });
  expect(await failure("/dev/zero")).toMatchObject({ code: expect.stringMatching(/NOT_ONNX|FILE_MISSING/) });
});

test("a model that cannot be written leaves nothing behind", async () => {
  const graph = await readModel(join(fixtures, "outside.onnx"));
  await mkdir(join(folder, "taken.onnx"));
  await expect(writeModel(graph, join(folder, "taken.onnx"), { external: true })).rejects.toMatchObject({
    code: "FILE_IS_FOLDER",
  });
  await expect(writeModel(graph, join(folder, "none/a.onnx"))).rejects.toMatchObject({ code: "FILE_MISSING" });
  expect(await readdir(folder)).toEqual(["taken.onnx"]);
});

test("data lies page-aligned in its file, gaps are zero", async () => {
  const graph: Graph = {
    ...(await readModel(join(fixtures, "old.onnx"))),
    initializers: new Map([
      ["w", tensorOf("uint8", [3, 4], new Uint8Array(12).fill(1))],
      ["big", tensorOf("uint8", [5000], new Uint8Array(5000).fill(2))],
    ]),
  };
  const path = join(folder, "a.onnx");
  await writeModel(graph, path, { external: true, threshold: 1 });
  const data = await readFile(`${path}.data`);
  expect((await stat(`${path}.data`)).size).toBe(4096 + 5000);
  expect(data.subarray(0, 12).every((byte) => byte === 1)).toBe(true);
  expect(data.subarray(12, 4096).every((byte) => byte === 0)).toBe(true);
  expect(data.subarray(4096).every((byte) => byte === 2)).toBe(true);
  expect((await readModel(path)).initializers.get("big")?.bytes).toEqual(new Uint8Array(5000).fill(2));
});
