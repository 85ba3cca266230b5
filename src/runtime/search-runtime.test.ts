import { expect, test } from "vitest";
import { createBuilder, type Graph, tensorOf } from "../graph/index.ts";
import { nodeRuntime } from "./node.ts";
import { searchRuntime } from "./search-runtime.ts";
import type { HostTensor, Runtime } from "./session.ts";

const floats = (shape: readonly number[], data: Float32Array): HostTensor => ({ dtype: "float32", shape, data });
const ramp = (count: number, step: number) => Float32Array.from({ length: count }, (_, k) => step * (k % 17) - 1);

/** y = x · W + b, W [128, 64] big enough to be shared, b not. */
function linear(rows: number, bias = 1): Graph {
  const g = createBuilder();
  const x = g.input("x", "float32", [rows, 128]);
  const weight = g.constant(tensorOf("float32", [128, 64], ramp(128 * 64, 0.1)), "weight");
  const y = g.add(g.matmul(x, weight), g.constant(tensorOf("float32", [64], ramp(64, bias)), "bias"));
  return g.toGraph([g.rename(y, "y").name]);
}

function counting() {
  const opened: Graph[] = [];
  let released = 0;
  const runtime: Runtime = {
    ...nodeRuntime,
    async open(graph, options) {
      opened.push(graph);
      const session = await nodeRuntime.open(graph, options);
      return {
        ...session,
        release() {
          released++;
          return session.release();
        },
      };
    },
  };
  return { runtime, opened, released: () => released };
}

test("a graph that comes again takes over its session; one that differs in a number, a shape or a setting does not", async () => {
  const { runtime, opened, released } = counting();
  const search = searchRuntime(runtime, { idle: 2 });
  const use = async (graph: Graph, threads = 1) => (await search.open(graph, { threads })).release();
  await use(linear(3));
  await use(linear(3));
  expect(opened).toHaveLength(1);
  await use(linear(4));
  await use(linear(3, 2));
  expect([opened.length, released()]).toEqual([3, 1]); // the oldest had to go
  await use(linear(3, 2), 2);
  expect(opened).toHaveLength(4);
  await search.close();
  expect(released()).toBe(4);
});

test("a session in use is not given away, and releasing it twice does no harm", async () => {
  const { runtime, opened, released } = counting();
  const search = searchRuntime(runtime);
  const [one, other] = [await search.open(linear(3)), await search.open(linear(3))];
  expect(opened).toHaveLength(2);
  await one.release();
  await one.release();
  const again = await search.open(linear(3));
  expect(opened).toHaveLength(2);
  const { y } = await again.run({ x: floats([3, 128], ramp(3 * 128, 0.3)) });
  expect(y!.shape).toEqual([3, 64]);
  await again.release();
  await other.release();
  await search.close();
  expect(released()).toBe(2);
});
