import { appendFileSync, copyFileSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, expect, test } from "vitest";
import { readModel, writeModel } from "./index.node.ts";
import { copyBytes, createBuilder, type Graph, heldBytes, tensorBytes, tensorOf } from "./index.ts";

const folder = mkdtempSync(join(tmpdir(), "graft-weights-"));
afterAll(() => rmSync(folder, { recursive: true }));

const SIZE = 4096;

/** 64 MiB of weights, and a small one. */
function bigGraph(): Graph {
  const g = createBuilder();
  const values = Float32Array.from({ length: SIZE * SIZE }, (_, k) => (k * 7919) % 1009);
  const weight = g.constant(tensorOf("float32", [SIZE, SIZE], values), "weight");
  const bias = g.constant(tensorOf("float32", [SIZE], values.subarray(0, SIZE)), "bias");
  g.rename(g.add(g.matmul(g.input("x", "float32", [1, SIZE]), weight), bias), "y");
  return g.toGraph(["y"]);
}

const graph = bigGraph();
const weightOf = ({ initializers }: Graph) => initializers.get("weight")!;
const isHeld = (read: Graph) => heldBytes([weightOf(read)]) > 0;
const isSame = (read: Graph) =>
  [...graph.initializers].every(([name, { bytes }]) => Buffer.compare(bytes, read.initializers.get(name)!.bytes) === 0);

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** A weak reference is kept until the job that looked at it is over. */
async function letGo(): Promise<void> {
  await wait(0);
  collect();
  await wait(0);
}

async function written(name: string, external: boolean): Promise<string> {
  const path = join(folder, name);
  await writeModel(graph, path, { external });
  return path;
}

test.each([
  ["in the model", false],
  ["beside it", true],
])("weights %s are let go when nothing uses them, and read again when they are needed", async (_, external) => {
  const path = await written(`again-${external}.onnx`, external);
  const read = await readModel(path);
  const { length } = graph.initializers.get("weight")!.bytes;
  await letGo();
  expect(isHeld(read)).toBe(false);
  expect(tensorBytes(weightOf(read))).toBe(length);
  expect(isHeld(read)).toBe(false);
  const copied = new Uint8Array(length + 8);
  copyBytes(weightOf(read), copied.subarray(8));
  expect(isHeld(read)).toBe(false);
  expect(Buffer.compare(copied.subarray(8), weightOf(graph).bytes)).toBe(0);
  expect(isSame(read)).toBe(true);
  const { buffer } = weightOf(read).bytes;
  await letGo();
  expect(isHeld(read)).toBe(true);
  expect(weightOf(read).bytes.buffer).toBe(buffer);
});

test("weights of a file that another took the name of are those of the file that was opened", async () => {
  const path = await written("renamed.onnx", false);
  const read = await readModel(path);
  const other = join(folder, "other.onnx");
  copyFileSync(path, other);
  appendFileSync(other, new Uint8Array(8));
  renameSync(other, path);
  await letGo();
  expect(isSame(read)).toBe(true);
});

test("a file that is written to while it is in use is told", async () => {
  const path = await written("changed.onnx", false);
  const read = await readModel(path);
  appendFileSync(path, new Uint8Array(8));
  await letGo();
  expect(() => weightOf(read).bytes).toThrow(expect.objectContaining({ code: "MODEL_CHANGED" }));
});
