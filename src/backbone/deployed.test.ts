import { describe, expect, test } from "vitest";
import { type Deployed, deployedGraph, deployedNames, deployedRecord } from "../../test/support/deployed-fixtures.ts";
import { fixtureGraph, type Recorded, recordedFeeds, summaryError, summaryOf } from "../../test/support/fixtures.ts";
import { shuffleGraph } from "../../test/support/shuffle-graph.ts";
import { differentiate } from "../autodiff/index.ts";
import {
  attribute,
  createBuilder,
  decompose,
  type Graph,
  prune,
  staticShape,
  tensorOf,
  tensorValues,
  upgrade,
} from "../graph/index.ts";
import { int8Limit } from "../precision/index.ts";
import type { HostTensor } from "../runtime/index.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { trace } from "../trace/index.ts";
import { findStates } from "./find-states.ts";

/**
 * How far from PyTorch's float model each kind of file may be. States and gradients: as a share of their norm; outputs: of
 * the largest; `cosine`: between gradients of the file and of the float model. Fused files compute the same sums in another
 * order. Half precision keeps 11 bits, 5e-4. Eight bits are steps of 1/255 of a range, four of 1/15: over weights of these
 * sizes (16 numbers share a scale) that is what the quantiser left, not what graft adds; the tests below pin that down.
 */
const TOLERANCES: Record<Deployed["variant"], { states: number; output: number; gradients: number; cosine: number }> = {
  fused: { states: 1e-5, output: 1e-4, gradients: 1e-3, cosine: 1 - 1e-6 },
  float16: { states: 2e-3, output: 2e-3, gradients: 5e-3, cosine: 1 - 1e-4 },
  int8: { states: 0.02, output: 0.05, gradients: 0.1, cosine: 0.99 },
  qdq: { states: 0.03, output: 0.1, gradients: 0.1, cosine: 0.99 },
  "4bit": { states: 0.15, output: 0.3, gradients: 0.25, cosine: 0.9 },
};

/**
 * Bytes as files multiply them are cut off on a processor that adds up two products in 16 bits, as every app finds there: how
 * near that comes to the float model is nothing that graft could mend. That it is what the runtime makes of the file is tested below.
 */
const isCutOff = (await int8Limit(nodeRuntime)) < 127;
const CUT_OFF = { states: 1, output: 2, gradients: 2, cosine: -1 };

async function run(graph: Graph, feeds: Record<string, HostTensor>) {
  const session = await nodeRuntime.open(graph, { threads: 1 });
  const results = await session.run(feeds);
  await session.release();
  return Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, data as Float32Array]));
}

/** A file opened the way `openGraph` does, and traced at the recorded sizes. */
async function opened(name: string, record: Recorded, read = deployedGraph(name)) {
  const graph = decompose(upgrade(read));
  const shapes = Object.fromEntries(Object.entries(record.inputs).map(([input, { shape }]) => [input, shape]));
  return { graph, traced: await trace(graph, shapes, nodeRuntime) };
}

/** The first output, and the gradients of the recorded loss at the states. */
async function step(graph: Graph, record: Recorded, states: readonly string[]) {
  const g = createBuilder(graph);
  const y = g.value(graph.outputs[0]!);
  const shape = staticShape(y);
  const weights = Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, k) => ((k % 5) + 1) / 5);
  const weighted = g.mul(g.mul(y, y), g.constant(tensorOf("float32", shape, weights)));
  const axes = shape.map((_, axis) => axis);
  const values = states.map((state) => g.value(state));
  const names = differentiate(g, g.reduceSum(weighted, axes, false), values).map(({ name }) => name);
  const results = await run(prune(g.toGraph([y.name, ...names])), recordedFeeds(record));
  return { output: results[y.name]!, gradients: names.map((name) => results[name]!) };
}

const largest = (values: ArrayLike<number>) => Math.max(...Array.from(values, Math.abs));
const difference = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  largest(Array.from(a, (value, k) => value - b[k]!)) / largest(b);

function cosine(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, k) => sum + value * y[k]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

describe.each(deployedNames())("%s", (name) => {
  const record = deployedRecord(name);
  const tolerance = isCutOff && record.variant === "int8" ? CUT_OFF : TOLERANCES[record.variant];

  test("its states are found, under any names and in any order, and are those PyTorch recorded", async () => {
    const { traced } = await opened(name, record);
    const found = findStates(traced);
    expect(found).toMatchObject({ normPosition: record.normPosition, blocks: (record.states.length - 1) / 2 });
    expect(found.states).toHaveLength(record.states.length);
    const values = await run({ ...traced, outputs: found.states }, recordedFeeds(record));
    const errors = found.states.map((state, k) => summaryError(summaryOf(values[state]!), record.states[k]!));
    expect(Math.max(...errors)).toBeLessThan(tolerance.states);
    const { graph, renamed } = shuffleGraph(traced, 1);
    expect(findStates(graph)).toMatchObject({ states: found.states.map(renamed), features: renamed(found.features) });
  });

  test("output and gradients at the states are those of the float model, as near as the file is", async () => {
    const { graph, traced } = await opened(name, record);
    const output = (await run(graph, recordedFeeds(record)))[record.output.name]!;
    expect(difference(output, record.output.data)).toBeLessThan(tolerance.output);
    const own = await step(traced, record, findStates(traced).states);
    // Nothing that the gradient reads in the forward makes the runtime compute it otherwise.
    expect(difference(own.output, output)).toBeLessThan(1e-5);
    const errors = own.gradients.map((found, k) => summaryError(summaryOf(found), record.gradients[k]!));
    expect(errors).toHaveLength(record.states.length);
    expect(Math.max(...errors)).toBeLessThan(tolerance.gradients);
    if (record.base === undefined) return;
    const base = (await opened(name, record, fixtureGraph(record.base))).traced;
    const float = await step(base, record, findStates(base).states);
    expect(Math.min(...own.gradients.map((found, k) => cosine(found, float.gradients[k]!)))).toBeGreaterThan(
      tolerance.cosine,
    );
  });
});

const quantised = deployedNames().filter((name) => /int8|qdq|4bit/.test(name));

test.each(quantised)("%s: the forward keeps the file's bits", async (name) => {
  const [record, file] = [deployedRecord(name), deployedGraph(name)];
  const feeds = recordedFeeds(record);
  const [before, after] = [await run(file, feeds), await run((await opened(name, record)).graph, feeds)];
  // Where float operators are fused too, their parts add in another order, and a last bit can tip a rounding.
  if (/fused|runtime/.test(name))
    expect(difference(after[record.output.name]!, before[record.output.name]!)).toBeLessThan(0.02);
  else expect(after).toEqual(before);
});

test.each(quantised.filter((name) => name.includes("4bit")))(
  "%s: the gradient is that of the model with its weights unpacked to floats",
  async (name) => {
    const record = deployedRecord(name);
    const { traced } = await opened(name, record);
    const { states } = findStates(traced);
    const [packed, floats] = [await step(traced, record, states), await step(unpacked(traced), record, states)];
    expect(difference(packed.output, floats.output)).toBeLessThan(1e-5);
    const errors = packed.gradients.map((found, k) => difference(found, floats.gradients[k]!));
    expect(Math.max(...errors)).toBeLessThan(1e-5);
  },
);

/** Every MatMulNBits as a MatMul with (q − zero) · scale, numbers of a block along the columns of [N, K]. */
function unpacked(graph: Graph): Graph {
  const initializers = new Map(graph.initializers);
  const nibble = (from: Uint8Array, at: number) => (from[at >> 1]! >> (4 * (at & 1))) & 15;
  const nodes = graph.nodes.map((node) => {
    if (node.op !== "MatMulNBits") return node;
    const [n, k, block] = ["N", "K", "block_size"].map((key) => attribute(node, key, "int")) as [
      number,
      number,
      number,
    ];
    const [x, b, s, z] = node.inputs as [string, string, string, string?];
    const [bytes, zeros] = [graph.initializers.get(b)!.bytes, z ? graph.initializers.get(z)!.bytes : undefined];
    const scales = tensorValues(graph.initializers.get(s)!) as Float32Array;
    const blocks = Math.ceil(k / block);
    const weights = Array.from({ length: k * n }, (_, at) => {
      const [row, column] = [Math.floor(at / n), at % n];
      const part = Math.floor(row / block);
      const zero = zeros ? nibble(zeros, 2 * Math.ceil(blocks / 2) * column + part) : 8;
      return (nibble(bytes, column * blocks * block + row) - zero) * scales[column * blocks + part]!;
    });
    initializers.set(`${b}/floats`, tensorOf("float32", [k, n], weights));
    return { ...node, op: "MatMul", domain: "", inputs: [x, `${b}/floats`], attributes: {} };
  });
  return { ...graph, nodes, initializers };
}
