import { type InferenceSession, Tensor as OrtTensor, type Tensor } from "onnxruntime-common";
import { expect, test } from "vitest";
import { createBuilder, type Graph } from "../graph/index.ts";
import { nodeRuntime } from "./index.node.ts";
import type { Ort } from "./ort-session.ts";
import { outputBuffers } from "./output-buffers.ts";
import type { HostTensor } from "./session.ts";
import { canEndRuns } from "./written-outputs.ts";

const LENGTH = 1 << 19;

/** y = 2x and z = Σ x; of y 2 MiB. */
function graph(): Graph {
  const g = createBuilder();
  const x = g.input("x", "float32", [LENGTH]);
  g.rename(g.add(x, x), "y");
  g.rename(g.reduceSum(x, [0], true), "z");
  return g.toGraph(["y", "z"]);
}

const feeds = { x: { dtype: "float32", shape: [LENGTH], data: new Float32Array(LENGTH).fill(3) } } as const;

test("outputs are written into the arrays given, large or small, all or some", async () => {
  const session = await nodeRuntime.open(graph(), { threads: 1 });
  expect([...session.outputTypes.keys()]).toEqual(["y", "z"]);
  for (const names of [["y", "z"], ["y"], ["z"]]) {
    const buffers = outputBuffers(session, names);
    const results = await session.run(feeds, buffers);
    expect(Object.keys(results)).toEqual(names);
    for (const name of names) {
      expect(results[name]!.data).toBe(buffers[name]!.data);
      expect((buffers[name]!.data as Float32Array)[0]).toBe(name === "y" ? 6 : 3 * LENGTH);
    }
  }
  const all = await session.run(feeds);
  expect(Object.keys(all)).toEqual(["y", "z"]);
  expect((await session.run(feeds, ["z"])).z!.data[0]).toBe(3 * LENGTH);
  await session.release();
});

test("large outputs are not copied", async () => {
  const session = await nodeRuntime.open(graph(), { threads: 1 });
  const buffers = outputBuffers(session, ["y"]);
  await session.run(feeds, buffers);
  const before = process.memoryUsage().arrayBuffers;
  for (let k = 0; k < 5; k++) await session.run(feeds, buffers);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 * LENGTH);
  await session.release();
});

test("what a run of large outputs fails with is told", async () => {
  const session = await nodeRuntime.open(graph(), { threads: 1 });
  const short = { x: { ...feeds.x, shape: [2], data: new Float32Array(2) } };
  await expect(session.run(short, outputBuffers(session, ["y"]))).rejects.toMatchObject({
    code: "RUNTIME_RUN",
    message: expect.stringContaining("dimensions"),
  });
  await session.release();
});

test("graphs of operator sets without sequences run as well", async () => {
  const old = { ...graph(), opsets: new Map([["", 10]]), nodes: graph().nodes.filter(({ op }) => op !== "ReduceSum") };
  const session = await nodeRuntime.open({ ...old, nodes: old.nodes.slice(0, 2), outputs: ["y"] }, { threads: 1 });
  const { y } = await session.run(feeds, outputBuffers(session, ["y"]));
  expect(y!.data[0]).toBe(6);
  await session.release();
});

test("a buffer under no output's name is refused: it would stay as it was", async () => {
  const session = await nodeRuntime.open(graph(), { threads: 1 });
  const { y } = outputBuffers(session, ["y"]);
  const wrong: Record<string, HostTensor>[] = [{ nope: y! }, { y: y!, nope: y! }, {}];
  for (const wanted of wrong)
    await expect(session.run(feeds, wanted)).rejects.toMatchObject({
      code: "RUNTIME_FETCH",
      message: expect.stringContaining("has the outputs y, z"),
    });
  await session.release();
});

/** A runtime whose sessions write 2x as `writes` says, then fail with `refusal`, if any. */
function fakeOrt(writes: boolean, refusal?: string): Ort {
  const run = async ({ x }: Record<string, Tensor>, { y }: Record<string, Tensor>) => {
    if (writes) (y!.data as Float32Array).set((x!.data as Float32Array).map((value) => 2 * value));
    if (refusal !== undefined) throw new Error(refusal);
    return {};
  };
  const session = { outputNames: ["graft/end", "y"], run, release: async () => {} };
  const InferenceSession = { create: async () => session as unknown as InferenceSession };
  return { InferenceSession, Tensor: OrtTensor };
}

const REFUSAL = "Non tensor type is temporarily not supported.";

test.each([
  ["refuses the sequence when all else is written", fakeOrt(true, REFUSAL), true],
  ["can hand one out", fakeOrt(true), true],
  ["refuses it before anything is written", fakeOrt(false, REFUSAL), false],
  ["refuses it in words of its own", fakeOrt(true, "no sequences"), false],
])("a runtime that %s", async (_, ort, expected) => {
  expect(await canEndRuns(ort)).toBe(expected);
});

test("the installed runtime's runs end there", async () => {
  const session = await nodeRuntime.open(graph(), { threads: 1 });
  await session.release();
  expect(await canEndRuns(await import("onnxruntime-node"))).toBe(true);
});
