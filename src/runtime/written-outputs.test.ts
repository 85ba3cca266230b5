import type { InferenceSession, Tensor } from "onnxruntime-common";
import { beforeEach, expect, test, vi } from "vitest";
import { createBuilder, type Graph } from "../graph/index.ts";
import { nodeRuntime } from "./index.node.ts";
import { outputBuffers } from "./output-buffers.ts";

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

/** Runs that ended by `refusal` when the first output was asked for, and whether it was. */
function fakeSession(refusal: string | undefined) {
  const asked: boolean[] = [];
  const run = async (_feeds: unknown, fetches: object) => {
    asked.push("graft/last" in fetches);
    if (asked.at(-1) && refusal !== undefined) throw new Error(refusal);
    return {};
  };
  return { asked, session: { outputNames: ["graft/last", "y"], run } as unknown as InferenceSession };
}

const outputs = { y: { data: new Float32Array(LENGTH) } as unknown as Tensor };

beforeEach(() => vi.resetModules());

test.each([
  ["refuses the sequence", "Non tensor type is temporarily not supported.", [true, true]],
  ["can hand one out", undefined, [true, true]],
  // Asked once, then never again.
  ["refuses it in words of its own", "no sequences", [true, false, false]],
])("a runtime that %s", async (_, refusal, expected) => {
  const { runInto } = await import("./written-outputs.ts");
  const { asked, session } = fakeSession(refusal);
  await runInto(session, {}, outputs);
  await runInto(session, {}, outputs);
  expect(asked).toEqual(expected);
});
