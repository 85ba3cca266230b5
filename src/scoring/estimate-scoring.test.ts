import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { TINY, tinyPreNorm, tinyTask } from "../../test/support/tiny-backbone.ts";
import type { Backbone } from "../backbone/index.ts";
import type { Progress } from "../base/index.ts";
import { type EstimateScoringOptions, estimateScoring, scoringPasses } from "./estimate-scoring.ts";

const n = 2 * TINY.blocks + 1;
const columnBytes = 4 * n * TINY.hiddenSize ** 2;
const task = tinyTask({ train: 200, classes: 3 });

let backbone: Backbone;
beforeAll(async () => {
  backbone = await tinyPreNorm();
});
afterEach(() => void vi.restoreAllMocks());

/** By a clock that goes on by a second whenever it is looked at: once a batch, and once before and after a column. */
async function estimate(options: EstimateScoringOptions) {
  let seconds = 0;
  vi.spyOn(performance, "now").mockImplementation(() => 1000 * seconds++);
  return estimateScoring(backbone, task, { head: "random", examples: 100, threads: 1, ...options });
}

test("each block of gradients is a pass of all batches, of which the first block's alone are timed", async () => {
  // 100 examples are 4 batches; of 5 columns each takes a second.
  expect(await estimate({})).toEqual({ seconds: 4 + 5, passes: 1, edges: 25, examples: 100 });
  const seen: Progress[] = [];
  const blocks = { blockBytes: 2 * columnBytes, onProgress: (progress: Progress) => void seen.push(progress) };
  expect(await estimate(blocks)).toEqual({ seconds: 3 * 4 + 5, passes: 3, edges: 25, examples: 100 });
  expect(seen.map(({ done, total }) => [done, total])).toEqual([
    [32, 64],
    [64, 64],
  ]);
  expect(scoringPasses(backbone, { blockBytes: columnBytes })).toBe(5);
  expect(scoringPasses(backbone, { blockBytes: columnBytes, score: "fisher" })).toBe(1); // made of no product
});

test("a batch's products are timed as those of one batch", async () => {
  // By a clock that goes on by a second with every product alone.
  let seconds = 0;
  vi.spyOn(performance, "now").mockImplementation(() => 1000 * seconds);
  const { runtime } = backbone;
  const open: typeof runtime.open = async (graph, options) => {
    const session = await runtime.open(graph, options);
    if (graph.outputs[0] !== "next") return session;
    return { ...session, run: (feeds, outputs) => session.run(feeds, outputs).finally(() => seconds++) };
  };
  const counted = { ...backbone, runtime: { ...runtime, open } };
  const { seconds: found } = await estimateScoring(counted, task, { head: "random", examples: 100, threads: 1 });
  expect(found).toBe(4 * n);
});

test("a stride leaves columns out, halves of the probe are scored too, a coarse pass goes once", async () => {
  expect(await estimate({ stride: 2 })).toEqual({ seconds: 4 + 3, passes: 1, edges: 9, examples: 100 });
  // Four groups of 25, a batch each; the whole and six halves.
  const halves = await estimate({ confidence: true, blockBytes: 4 * 2 * columnBytes });
  expect(halves).toMatchObject({ seconds: 3 * 4 + 7 * 5, passes: 3 });
  // Products take no time by this clock; ranks (4 / 16)³ of it, and of a third of the edges all.
  const coarse = await estimate({ coarse: { columns: 4 }, blockBytes: 2 * columnBytes });
  expect(coarse.passes).toBe(1);
  expect(coarse.seconds).toBeCloseTo(4 + (1 / 64 + 1 / 3) * 5, 9);
});

test("the head takes the features of all examples that are no probe", async () => {
  // 32 and 96 examples take a second each, and so do the 100.
  expect((await estimate({ head: "fitted" })).seconds).toBeGreaterThan(4 + 5);
  const measured = await estimate({ head: "fitted", forwardSeconds: 0.5, headSeconds: 3 });
  expect(measured.seconds).toBe(4 + 5 + 100 * 0.5 + 3);
});

test("what looks at no example takes no pass; a probe out of range is refused", async () => {
  expect(await estimate({ score: "depth" })).toMatchObject({ seconds: 0, passes: 0, edges: 25 });
  await expect(estimate({ examples: 201 })).rejects.toMatchObject({ code: "EXAMPLES_OUT_OF_RANGE" });
});
