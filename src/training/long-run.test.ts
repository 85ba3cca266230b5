import { expect, test } from "vitest";
import { createBuilder } from "../graph/index.ts";
import { declareParameters, layoutOf, zeroVectors } from "../parameters/index.ts";
import { nodeRuntime } from "../runtime/index.node.ts";
import { buildStepGraph, initialState, openStepper } from "./index.ts";

/** A million bytes of parameters: a step that kept its outputs would grow by three of them. */
const [ROWS, COLUMNS] = [250, 1000];

test("300 steps hold their memory flat", async () => {
  const g = createBuilder();
  const layout = layoutOf([{ name: "weight", shape: [ROWS, COLUMNS] }]);
  const declared = declareParameters(g, layout);
  const product = g.matmul(g.input("x", "float32", [4, ROWS]), declared.tensors.get("weight")!);
  const difference = g.sub(product, g.scalar(1));
  const graph = buildStepGraph(g, layout, declared, g.reduceSumSquare(difference, [0, 1], false));
  const stepper = await openStepper(nodeRuntime, graph, {}, initialState(graph, zeroVectors(layout)), { threads: 1 });
  const x = { dtype: "float32", shape: [4, ROWS], data: new Float32Array(4 * ROWS).fill(0.1) } as const;
  const steps = async (count: number) => {
    let loss = Number.POSITIVE_INFINITY;
    for (let k = 0; k < count; k++) ({ loss } = await stepper.step({ x }, 1e-3));
    return { loss, memory: process.memoryUsage.rss() };
  };
  const warm = await steps(50);
  const end = await steps(300);
  await stepper.release();
  expect(end.loss).toBeLessThan(warm.loss);
  expect(end.memory - warm.memory).toBeLessThan(100e6); // 300 steps of outputs would be 900
});
