import { expect, test } from "vitest";
import { checkGraph, createBuilder } from "../graph/index.ts";
import { narrowSplits } from "./narrow-splits.ts";
import { nodeRuntime } from "./node.ts";

async function parts(count: number) {
  const sizes = Array.from({ length: count }, (_, k) => (k % 3) + 1);
  const size = sizes.reduce((a, b) => a + b);
  const g = createBuilder();
  g.split(g.input("x", "float32", [size]), 0, sizes).forEach((part, k) => {
    g.rename(part, `part ${k}`);
  });
  const graph = g.toGraph(sizes.map((_, k) => `part ${k}`));
  const narrow = narrowSplits(graph);
  checkGraph(narrow);
  const session = await nodeRuntime.open(narrow, { threads: 1 });
  const data = Float32Array.from({ length: size }, (_, k) => k);
  const outputs = await session.run({ x: { dtype: "float32", shape: [size], data } });
  await session.release();
  const found = graph.outputs.map((name) => [...(outputs[name]!.data as Float32Array)]);
  return { graph, narrow, found, sizes };
}

test.each([8, 49, 50, 130])("a Split into %i parts becomes several of at most seven, and cuts alike", async (count) => {
  const { narrow, found, sizes } = await parts(count);
  const splits = narrow.nodes.filter(({ op }) => op === "Split");
  expect(Math.max(...splits.map(({ outputs }) => outputs.length))).toBeLessThanOrEqual(7);
  let next = 0;
  expect(found).toEqual(sizes.map((size) => Array.from({ length: size }, () => next++)));
});

test("a graph without a wide Split stays as it is", async () => {
  const { graph, narrow } = await parts(7);
  expect(narrow).toBe(graph);
});
