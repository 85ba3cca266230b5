import { expect, test } from "vitest";
import { createBuilder, type Graph, tensorOf } from "../graph/index.ts";
import { nodeRuntime } from "./node.ts";
import type { HostTensor } from "./session.ts";
import { openSharing, sharedWeights } from "./shared-weights.ts";

const floats = (shape: readonly number[], data: Float32Array): HostTensor => ({ dtype: "float32", shape, data });
const ramp = (count: number, step: number) => Float32Array.from({ length: count }, (_, k) => step * (k % 17) - 1);

/** y = x · W + b, W of `inner` times 64 numbers. */
function linear(inner: number): Graph {
  const g = createBuilder();
  const x = g.input("x", "float32", [3, inner]);
  const weight = g.constant(tensorOf("float32", [inner, 64], ramp(inner * 64, 0.1)), "weight");
  const bias = g.constant(tensorOf("float32", [64], ramp(64, 1)), "bias");
  return g.toGraph([g.rename(g.add(g.matmul(x, weight), bias), "y").name]);
}

test("matrices are shared from 64 MiB on, vectors and what packed products read never", () => {
  expect([...sharedWeights(linear(2 ** 18))]).toEqual(["weight"]);
  expect([...sharedWeights(linear(2 ** 18 - 1))]).toEqual([]);
  const graph = linear(2 ** 18);
  const packed = graph.nodes.map((node) => (node.op === "MatMul" ? { ...node, domain: "com.microsoft" } : node));
  expect([...sharedWeights({ ...graph, nodes: packed })]).toEqual([]);
});

test("what is shared is fed, not held, and gives the same result; a tensor that the file does not align, too", async () => {
  const graph = linear(128);
  const weight = graph.initializers.get("weight")!;
  const shifted = new Uint8Array(weight.bytes.length + 1);
  shifted.set(weight.bytes, 1);
  const unaligned = { ...weight, bytes: shifted.subarray(1) };
  const feeds = { x: floats([3, 128], ramp(3 * 128, 0.3)) };
  const own = await nodeRuntime.open(graph);
  const expected = [...((await own.run(feeds)).y!.data as Float32Array)];
  await own.release();
  for (const tensor of [weight, unaligned]) {
    const opened: Graph[] = [];
    const initializers = new Map([...graph.initializers, ["weight", tensor] as const]);
    const session = await openSharing({ ...graph, initializers }, new Set(["weight"]), (rest) => {
      opened.push(rest);
      return nodeRuntime.open(rest);
    });
    expect([opened[0]!.inputs, [...opened[0]!.initializers.keys()]]).toEqual([["x", "weight"], ["bias"]]);
    const found = [...((await session.run(feeds)).y!.data as Float32Array)];
    expect(found).toEqual(expected.map((value) => expect.closeTo(value, 3)));
    await session.release();
  }
});
