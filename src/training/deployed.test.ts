import { expect, test } from "vitest";
import { deployedGraph, deployedNames, deployedRecord } from "../../test/support/deployed-fixtures.ts";
import { relativeError } from "../../test/support/tiny-runs.ts";
import { parsePlacement } from "../adapters/index.ts";
import { exportModel } from "../artifact/index.ts";
import { type Backbone, openGraph } from "../backbone/index.ts";
import { random } from "../base/index.ts";
import { decodeModel, encodeModel } from "../graph/index.ts";
import { nodeRuntime } from "../runtime/node.ts";
import type { Split, Task } from "../tasks/index.ts";
import { outputsOf } from "./evaluate.ts";
import { inputFeeds } from "./feeds.ts";
import { train } from "./train.ts";

/** One batch of a forward pass: dynamic int8 takes its scales from the whole batch, so other batches give other outputs. */
const COUNT = 30;
const CLASSES = ["a", "b", "c"];
const labels = Int32Array.from({ length: COUNT }, (_, k) => k % CLASSES.length);

/** Pictures or token ids, of which each class has one of its own, with some noise. */
function splitFor({ input }: Backbone): Split {
  const targets = { kind: "classes", labels } as const;
  const draw = random(4);
  const examplesOf = (size: number, numbers: number) => {
    const templates = CLASSES.map(() => Array.from({ length: size }, () => draw.int(numbers)));
    return Array.from(labels, (label) => templates[label]!.map((x) => (draw.next() < 0.4 ? draw.int(numbers) : x)));
  };
  if (input.kind === "image") {
    const images = examplesOf(3 * input.height * input.width, 256).map((pixels) => Uint8Array.from(pixels));
    return { kind: "image", count: COUNT, targets, pixels: (index) => images[index]! };
  }
  const encodings = examplesOf(7, 20).map((ids) => ({
    ids: Int32Array.from(ids),
    typeIds: new Int32Array(ids.length),
    truncated: false,
  }));
  return {
    kind: "text",
    count: COUNT,
    targets,
    views: 1,
    isPair: false,
    encodings: (index) => [encodings[index]!],
    length: () => 7,
    padding: { padId: 0, padTypeId: 0, paddingSide: "right" },
  };
}

test.each(deployedNames().filter((name) => deployedRecord(name).dynamic))(
  "%s trains over its frozen weights, and exports what was trained",
  async (name) => {
    const backbone = await openGraph(deployedGraph(name), nodeRuntime, { imageSize: sideOf(name) });
    const split = splitFor(backbone);
    const goal = { kind: "classify", classes: CLASSES } as const;
    const task: Task = { name, title: name, goal, train: split, validation: split, test: split, notes: [] };
    const placement = parsePlacement("0-1,3-1", { states: backbone.states.length, defaultRank: 4 });
    // A head of zeros: all there is to gain must come through the adapters' and the head's gradients.
    const model = await train(backbone, task, placement, {
      options: { epochs: 12, batchSize: 10, threads: 1, learningRate: 2e-2, headLearningRate: 2e-2, headL2: 100 },
    });
    const losses = model.history.map(({ trainLoss }) => trainLoss);
    expect(losses.at(-1)).toBeLessThan(0.8 * losses[0]!);
    const trained = await outputsOf(model, split, { threads: 1 });
    const session = await nodeRuntime.open(decodeModel(encodeModel(exportModel(model)).bytes), { threads: 1 });
    const indices = Uint32Array.from({ length: COUNT }, (_, k) => k);
    const { logits } = await session.run(inputFeeds({ split, indices, input: backbone.input, batchSize: COUNT }));
    await session.release();
    expect(relativeError(logits!.data as Float32Array, trained)).toBeLessThan(1e-4);
  },
);

function sideOf(name: string): number | undefined {
  const shape = Object.values(deployedRecord(name).inputs).find(({ shape }) => shape.length === 4)?.shape;
  return shape?.[2];
}
