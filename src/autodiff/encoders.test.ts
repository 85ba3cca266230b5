import { expect, test } from "vitest";
import {
  fixtureGraph,
  fixtureNames,
  fixtureRecord,
  type Recorded,
  recordedFeeds,
  summaryError,
  summaryOf,
} from "../../test/support/fixtures.ts";
import { createBuilder, type Graph, prune, staticShape, tensorOf, upgrade } from "../graph/index.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { trace } from "../trace/index.ts";
import { differentiate } from "./differentiate.ts";

test.each(fixtureNames())("%s: gradients at the hidden states are those PyTorch recorded", async (name) => {
  const record = fixtureRecord(name);
  const shapes = Object.fromEntries(Object.entries(record.inputs).map(([input, { shape }]) => [input, shape]));
  const graph = await trace(upgrade(fixtureGraph(name)), shapes, nodeRuntime);
  const g = createBuilder(graph);
  // The recorded loss: the sum of w[k] · y[k]², w[k] = (k mod 5 + 1) / 5
  const y = g.value(record.output.name);
  const shape = staticShape(y);
  const weights = Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, k) => ((k % 5) + 1) / 5);
  const weighted = g.mul(g.mul(y, y), g.constant(tensorOf("float32", shape, weights)));
  const loss = g.reduceSum(
    weighted,
    shape.map((_, axis) => axis),
    false,
  );
  const states = await statesIn(graph, record);
  const gradients = differentiate(
    g,
    loss,
    states.map((state) => g.value(state)),
  );
  const session = await nodeRuntime.open(prune(g.toGraph(gradients.map((gradient) => gradient.name))), { threads: 1 });
  const results = await session.run(recordedFeeds(record));
  await session.release();
  expect(gradients).toHaveLength(record.gradients.length);
  gradients.forEach((gradient, k) => {
    const found = summaryOf(results[gradient.name]!.data as Float32Array);
    // Both sides compute in float32, in another order.
    expect(summaryError(found, record.gradients[k]!), `state ${k}`).toBeLessThan(1e-4);
  });
});

/** The first value of a traced graph that holds what PyTorch recorded of each hidden state. */
async function statesIn(graph: Graph, record: Recorded): Promise<readonly string[]> {
  const { shape } = record.states[0]!;
  const candidates = graph.nodes
    .flatMap((node) => node.outputs)
    .filter(
      (name) => String(graph.types.get(name)?.shape) === String(shape) && graph.types.get(name)?.dtype === "float32",
    );
  const session = await nodeRuntime.open({ ...graph, outputs: candidates }, { optimize: false, threads: 1 });
  const values = await session.run(recordedFeeds(record));
  await session.release();
  const summaries = candidates.map((name) => summaryOf(values[name]!.data as Float32Array));
  return record.states.map((state) => candidates[summaries.findIndex((found) => summaryError(found, state) < 1e-5)]!);
}
