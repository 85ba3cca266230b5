import { describe, expect, test } from "vitest";
import { deployedGraph, deployedNames, deployedRecord } from "../../test/support/deployed-fixtures.ts";
import { recordedFeeds } from "../../test/support/fixtures.ts";
import { relativeError, runOnce } from "../../test/support/tiny-runs.ts";
import { openGraph } from "../backbone/index.ts";
import { constantTensor, type Graph, prune, tensorValues } from "../graph/index.ts";
import type { HostTensor } from "../runtime/index.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { floatProducts, int8Limit, quantizeFrozen } from "./index.ts";

const limit = await int8Limit(nodeRuntime);
const all = { least: 0, limit };
const named = (names: readonly string[], op: RegExp, { nodes }: Graph) =>
  nodes.filter((node) => op.test(node.op) && node.inputs.some((name) => names.includes(name))).length;

/** Names of the constant bytes of a graph that are matrices. */
const byteMatrices = (graph: Graph) =>
  [...graph.initializers].filter(([, { dtype, shape }]) => /^u?int8$/.test(dtype) && shape.length === 2);

/** The first examples of a batch. */
function first(feeds: Record<string, HostTensor>, count: number): Record<string, HostTensor> {
  return Object.fromEntries(
    Object.entries(feeds).map(([name, { dtype, shape, data }]) => [
      name,
      { dtype, shape: [count, ...shape.slice(1)], data: data.slice(0, (data.length / shape[0]!) * count) },
    ]),
  );
}

const quantised = deployedNames().filter((name) => {
  const { variant, dynamic } = deployedRecord(name);
  return dynamic && (variant === "int8" || variant === "qdq");
});

describe.each(quantised)("%s", (name) => {
  const record = deployedRecord(name);
  const open = async () => {
    const { graph } = await openGraph(deployedGraph(name), nodeRuntime);
    return prune({ ...graph, outputs: [record.output.name] });
  };
  /** How far from the float model's output, as PyTorch recorded it. */
  const errorOf = async (graph: Graph) =>
    relativeError(Object.values(await runOnce(graph, recordedFeeds(record)))[0]!, record.output.data);

  test("products with frozen weights no longer quantise what they read", async () => {
    const graph = await open();
    const view = floatProducts(graph);
    const weights = byteMatrices(view).map(([key]) => key);
    expect(named(weights, /MatMulInteger|ConvInteger/, view)).toBe(0);
    expect(view.nodes.some(({ op }) => op === "ConvInteger")).toBe(false);
    // What is left is the rounding of weights: no further from the float model than the file, but for chance.
    const [file, found] = [await errorOf(graph), await errorOf(view)];
    expect([found < 2 * file, found > 0]).toEqual([true, true]);
  });

  test("its bytes are taken as they are, and an example has the same bits whatever its batch-mates", async () => {
    const graph = floatProducts(await open());
    const lower = quantizeFrozen(graph, all);
    expect(lower.nodes.filter(({ op }) => op === "MatMulIntegerToFloat").length).toBeGreaterThanOrEqual(12);
    const kept = new Set(byteMatrices(lower).map(([, tensor]) => tensorValues(tensor).join()));
    const read = graph.nodes.filter(({ op }) => op === "DequantizeLinear").flatMap(({ inputs }) => inputs[0]!);
    const matrices = read.flatMap((key) => constantTensor(graph, key) ?? []).filter(({ shape }) => shape.length === 2);
    const products = matrices.filter((tensor) => {
      const shift = tensor.dtype === "uint8" ? 128 : 0;
      return kept.has(Array.from(tensorValues(tensor) as Uint8Array, (value) => value - shift).join());
    });
    // A processor that cuts off sums of the file's bytes gets smaller ones.
    if (limit === 127) expect(products.length).toBeGreaterThanOrEqual(12);
    else expect(products).toEqual([]);
    const feeds = recordedFeeds(record);
    const [together] = Object.values(await runOnce(lower, feeds));
    const [alone] = Object.values(await runOnce(lower, first(feeds, 1)));
    expect(together!.slice(0, alone!.length)).toEqual(alone);
    const file = await errorOf(await open());
    expect(relativeError(together!, record.output.data)).toBeLessThan(2 * file);
  });
});
