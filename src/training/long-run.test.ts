import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { tinyBert, tinyText, tinyTextTask } from "../../test/support/tiny-text.ts";
import type { Backbone } from "../backbone/index.ts";
import { createBuilder } from "../graph/index.ts";
import { openBackbone, openTask } from "../node.ts";
import { declareParameters, layoutOf, zeroVectors } from "../parameters/index.ts";
import { nodeRuntime } from "../runtime/index.node.ts";
import type { Task } from "../tasks/index.ts";
import { buildStepGraph, initialState, openStepper, type TrainSettings, train } from "./index.ts";

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

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

/** Bytes that JavaScript still holds, arrays of the runtime's among them. */
function held(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

interface LongRun {
  readonly backbone: Backbone;
  readonly task: Task;
  readonly options: TrainSettings;
}

const runs: Readonly<Record<string, () => Promise<LongRun>>> = {
  async pictures() {
    const backbone = await openBackbone();
    const task = await openTask("count", { backbone, trainSize: 64, validationSize: 8, testSize: 1 });
    return { backbone, task, options: { batchSize: 16, augment: false, epochs: 100 } };
  },
  async "texts of several lengths, in parts"() {
    const words = "and again it is said that nothing else will do ".repeat(2);
    const text = (k: number) => `${tinyText(k)} ${k % 2 ? words : ""}`;
    const rows = Array.from({ length: 64 }, (_, k) => ({ text: text(k), label: `subject ${k % 5}` }));
    const options = { batchSize: 8, microBatch: 4, epochs: 60 };
    return { backbone: await tinyBert(), task: await tinyTextTask(rows), options };
  },
};

test.each(Object.entries(runs))(
  "a training of %s from kept values holds no more after hundreds of steps",
  async (_, open) => {
    const { backbone, task, options } = await open();
    const last = backbone.states.length - 1;
    const seen: number[] = [];
    const phases = new Set<string>();
    await train(backbone, task, [{ from: last - 1, to: last, rank: 4 }], {
      options: { ...options, threads: 1 },
      onProgress({ phase, done, total }) {
        phases.add(phase);
        if (phase === "train" && (done === 100 || done === total)) seen.push(held());
      },
    });
    expect(phases).toContain("frozen values");
    const [warm, end] = seen;
    // Measured from step 100 on: 0.2 MB at most. A step that kept its batch would add 100 kB of pictures, 15 of texts.
    expect(end! - warm!).toBeLessThan(1e6);
  },
);
