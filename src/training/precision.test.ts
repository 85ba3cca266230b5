import { expect, test } from "vitest";
import { TINY, tinyTask } from "../../test/support/tiny-backbone.ts";
import { parsePlacement } from "../adapters/index.ts";
import { authorVit, openGraph } from "../backbone/index.ts";
import type { Graph } from "../graph/index.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { evaluate } from "./evaluate.ts";
import { train } from "./train.ts";

/** A tiny net wide enough for its products to be worth it, with a list of the graphs its runtime opens. */
async function recorded() {
  const opened: Graph[] = [];
  const backbone = await openGraph(authorVit({ ...TINY, hiddenSize: 64, mlpSize: 128 }, 1), nodeRuntime);
  const runtime = {
    ...nodeRuntime,
    open: (graph: Graph, options: object | undefined) => {
      opened.push(graph);
      return nodeRuntime.open(graph, options);
    },
  };
  return { backbone: { ...backbone, runtime }, opened };
}

const products = (graph: Graph) => graph.nodes.filter(({ op }) => op === "MatMulIntegerToFloat").length;
/** Products in each step graph, but for those of the head's fit, which run no net. */
const inStep = (graphs: readonly Graph[]) =>
  graphs
    .filter(({ outputs, nodes }) => outputs.includes("theta.gradient") && nodes.some(({ op }) => op === "Softmax"))
    .map(products);

test("a training at int8 steps and validates in int8, starts from the float head, and gives a float model", async () => {
  const task = tinyTask({ train: 40 });
  const placement = parsePlacement("1-2,3-1@r4", { states: 5 });
  const call = { options: { epochs: 2, batchSize: 20, threads: 1, learningRate: 1e-2, seed: 3 } };
  const [float, lower] = [await recorded(), await recorded()];
  const one = await train(float.backbone, task, placement, call);
  const other = await train(lower.backbone, task, placement, {
    options: { ...call.options, backbonePrecision: "int8" },
  });
  expect(float.opened.map(products).every((count) => count === 0)).toBe(true);
  expect(inStep(lower.opened)).toHaveLength(1);
  // Two blocks of four products, the second run of three from state 1 on, and the gradient's way back to state 1.
  expect(inStep(lower.opened)[0]).toBeGreaterThan(2 * 4);
  expect(other.backbone).toBe(lower.backbone);
  // The patches' weight is too small to be worth it.
  expect([one.int8Products, other.int8Products]).toEqual([undefined, { int8: 2 * 4, left: 1 }]);
  const [a, b] = [one, other].map(({ history }) => history.at(-1)!.trainLoss) as [number, number];
  expect(Math.abs(a - b)).toBeLessThan(0.05 * a);
  expect(a).not.toBe(b);
  lower.opened.length = 0;
  await evaluate(other, task.test, { threads: 1 });
  expect(lower.opened.map(products)).toEqual([0]);
});
