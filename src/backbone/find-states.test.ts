import { expect, test } from "vitest";
import {
  fixtureGraph,
  fixtureNames,
  fixtureRecord,
  recordedFeeds,
  summaryError,
  summaryOf,
} from "../../test/support/fixtures.ts";
import { shuffleGraph } from "../../test/support/shuffle-graph.ts";
import type { Graph } from "../graph/index.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { trace } from "../trace/index.ts";
import { findStates } from "./find-states.ts";

const cache = new Map<string, Promise<Graph>>();

function traced(name: string, refused = false): Promise<Graph> {
  const { inputs } = fixtureRecord(name, refused);
  const shapes = Object.fromEntries(Object.entries(inputs).map(([input, { shape }]) => [input, shape]));
  const graph = cache.get(name) ?? trace(fixtureGraph(name, refused), shapes, nodeRuntime);
  cache.set(name, graph);
  return graph;
}

test.each(fixtureNames())("%s: the states found are those PyTorch recorded", async (name) => {
  const record = fixtureRecord(name);
  const graph = await traced(name);
  const found = findStates(graph);
  const original = fixtureGraph(name);
  const originalNames = new Set([...original.inputs, ...original.nodes.flatMap(({ outputs }) => outputs)]);
  expect([...found.states, found.features].filter((value) => !originalNames.has(value))).toEqual([]);
  expect(found.states).toHaveLength(record.states.length);
  expect(found.normPosition).toBe(record.normPosition);
  expect([found.blocks, found.tokens, found.hiddenSize]).toEqual([
    (record.states.length - 1) / 2,
    record.states[0]!.shape[1],
    record.states[0]!.shape[2],
  ]);
  const session = await nodeRuntime.open({ ...graph, outputs: found.states }, { optimize: false, threads: 1 });
  const values = await session.run(recordedFeeds(record));
  await session.release();
  found.states.forEach((state, k) => {
    const { shape, data } = values[state]!;
    expect(shape).toEqual(record.states[k]!.shape);
    expect(summaryError(summaryOf(data as Float32Array), record.states[k]!), `state ${k}`).toBeLessThan(1e-5);
  });
});

test.each(fixtureNames())("%s: names and order of nodes change nothing", async (name) => {
  const graph = await traced(name);
  const { states, sums, features, subLayers, branches, products, norms, ...rest } = findStates(graph);
  for (const seed of [1, 2]) {
    const { graph: other, renamed } = shuffleGraph(graph, seed);
    const found = findStates(other);
    const names = { states: states.map(renamed), sums: sums.map(renamed), features: renamed(features) };
    expect(found).toMatchObject({ ...rest, ...names });
    expect(found.branches).toEqual(branches.map(renamed));
    expect([...found.norms].sort()).toEqual(norms.map(renamed).sort());
    const inOrder = (list: typeof products, name: (value: string) => string) =>
      list
        .map(({ node, input, weight, bias = "", output, ...known }) => {
          const values = [input, weight, bias, output].map(name);
          return { ...known, values };
        })
        .sort((a, b) => a.block - b.block || (a.role < b.role ? -1 : 1));
    expect(inOrder(found.products, (value) => value)).toEqual(inOrder(products, renamed));
    expect(found.subLayers.map(({ kind, weights }) => [kind, [...weights].sort()])).toEqual(
      subLayers.map(({ kind, weights }) => [kind, weights.map(renamed).sort()]),
    );
  }
});

const reasons: Readonly<Record<string, readonly [code: string, says: RegExp]>> = {
  causal: ["STATES_CAUSAL", /^decoder-only model: /],
  parallel: ["STATES_PARALLEL", /^model with parallel blocks: /],
  "encoder-decoder": ["STATES_STREAMS", /^encoder-decoder model: /],
  "two towers": ["STATES_STREAMS", /^model with several towers: /],
  windowed: ["STATES_WINDOWED", /^model with windowed or pooled attention: /],
  convolutional: ["STATES_CONVOLUTIONAL", /^convolutional model: /],
  "no attention": ["STATES_NONE", /^no hidden states found: /],
  "time first": [
    "STATES_LAYOUT",
    /the residual stream is kept as \[7, 2, 16\] where graft expects \[batch, tokens, d\]/,
  ],
};

test.each(fixtureNames(true))("%s is refused for the right reason, and the message says what it is", async (name) => {
  const graph = await traced(name, true);
  const [code, says] = reasons[fixtureRecord(name, true).refused!]!;
  const refusal = expect.objectContaining({ code, message: expect.stringMatching(says) });
  expect(() => findStates(graph)).toThrow(refusal);
  expect(() => findStates(shuffleGraph(graph, 3).graph)).toThrow(refusal);
});
