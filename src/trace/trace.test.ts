import { expect, test } from "vitest";
import { fixtureGraph, fixtureNames, fixtureRecord, recordedFeeds } from "../../test/support/fixtures.ts";
import { checkGraph } from "../graph/index.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { trace } from "./index.ts";

const shapesOf = (name: string) =>
  Object.fromEntries(Object.entries(fixtureRecord(name).inputs).map(([input, { shape }]) => [input, shape]));

test.each(fixtureNames())("%s: the static graph computes what PyTorch recorded", async (name) => {
  const record = fixtureRecord(name);
  const traced = await trace(fixtureGraph(name), shapesOf(name), nodeRuntime);
  checkGraph(traced);
  for (const value of [...traced.inputs, ...traced.nodes.flatMap((node) => node.outputs.filter((n) => n !== ""))])
    expect(
      traced.types.get(value)?.shape?.every((dim) => typeof dim === "number"),
      value,
    ).toBe(true);
  expect(traced.nodes.filter(({ op }) => ["Shape", "Constant", "ConstantOfShape", "Range"].includes(op))).toEqual([]);
  const session = await nodeRuntime.open(traced, { optimize: false, threads: 1 });
  const { [record.output.name]: output } = await session.run(recordedFeeds(record));
  await session.release();
  expect(output!.shape).toEqual(record.output.shape);
  const largest = Math.max(...record.output.data.map(Math.abs));
  record.output.data.forEach((value, k) => {
    expect(Math.abs(Number(output!.data[k]) - value) / largest).toBeLessThan(1e-4);
  });
});
