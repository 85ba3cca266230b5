import { expect, test } from "vitest";
import { deployedGraph, deployedNames, deployedRecord } from "../../test/support/deployed-fixtures.ts";
import { recordedFeeds } from "../../test/support/fixtures.ts";
import { openGraph } from "../backbone/index.ts";
import { createBuilder, decodeModel, encodeModel, type Graph, prune } from "../graph/index.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { initialAdapters, insertAdapters, parsePlacement } from "./index.ts";

async function outputsOf(graph: Graph, record: ReturnType<typeof deployedRecord>) {
  const session = await nodeRuntime.open(graph, { threads: 1 });
  const results = await session.run(recordedFeeds(record));
  await session.release();
  return Object.values(results).map(({ data }) => data);
}

/** Those that were exported with a fixed batch can be looked at, not trained. */
const open = deployedNames().filter((name) => deployedRecord(name).dynamic);

test.each(open)(
  "%s: adapters that were not trained change no bit, nor does writing the result and reading it again",
  async (name) => {
    const record = deployedRecord(name);
    const backbone = await openGraph(deployedGraph(name), nodeRuntime);
    const placement = parsePlacement("1-1,0-1,0-3,3-1@r2", { states: backbone.states.length });
    const g = createBuilder(backbone.graph);
    const tensors = initialAdapters(placement, backbone.hiddenSize, 1);
    const constants = new Map([...tensors].map(([key, tensor]) => [key, g.constant(tensor, key)]));
    const values = insertAdapters(g, backbone.graph, backbone, placement, constants);
    const adapted = prune(g.toGraph([values.get(backbone.features)!.name]));
    const plain = prune({ ...backbone.graph, outputs: [backbone.features] });
    const expected = await outputsOf(plain, record);
    expect(await outputsOf(adapted, record)).toEqual(expected);
    const { bytes } = encodeModel(adapted);
    expect(await outputsOf(decodeModel(bytes), record)).toEqual(expected);
  },
);
