import { expect, test } from "vitest";
import { fixtureGraph, fixtureNames, fixtureRecord, recordedFeeds } from "../../test/support/fixtures.ts";
import { checkGraph } from "../graph/index.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { trace } from "./index.ts";

const shapesOf = (name: string) =>
  Object.fromEntries(Object.entries(fixtureRecord(name).inputs).map(([input, { shape }]) => [input, shape]));

test.each(fixtureNames())(
  "%s: the static graph computes what PyTorch recorded, in the shapes it says",
  async (name) => {
    const record = fixtureRecord(name);
    const traced = await trace(fixtureGraph(name), shapesOf(name), nodeRuntime);
    checkGraph(traced);
    expect(traced.nodes.filter(({ op }) => ["Shape", "Constant", "ConstantOfShape", "Range"].includes(op))).toEqual([]);
    const outputs = traced.nodes.flatMap((node) => node.outputs.filter((value) => value !== ""));
    const session = await nodeRuntime.open({ ...traced, outputs }, { optimize: false, threads: 1 });
    const values = await session.run(recordedFeeds(record));
    await session.release();
    for (const value of outputs) {
      const { dtype, shape } = values[value]!;
      expect(traced.types.get(value), value).toEqual({ dtype, shape });
    }
    const output = values[record.output.name]!;
    expect(output.shape).toEqual(record.output.shape);
    const largest = Math.max(...record.output.data.map(Math.abs));
    record.output.data.forEach((value, k) => {
      expect(Math.abs(Number(output.data[k]) - value) / largest).toBeLessThan(1e-4);
    });
  },
);
