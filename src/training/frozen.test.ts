import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { type ImageBackbone, tinyPostNorm, tinyPreNorm, tinyTask } from "../../test/support/tiny-backbone.ts";
import { relativeError } from "../../test/support/tiny-runs.ts";
import { parsePlacement } from "../adapters/index.ts";
import { traceBackbone } from "../backbone/index.ts";
import { GraftError, memoryRecordStore, type Progress } from "../base/index.ts";
import { cutAt, productFlops } from "../graph/index.ts";
import { methodOf, POOLED } from "../methods/index.ts";
import { outputsOf } from "./evaluate.ts";
import type { FeedBuffers } from "./feeds.ts";
import { forwardBatches } from "./forward.ts";
import { frozenValues } from "./frozen.ts";
import { cacheFrozen } from "./frozen-cache.ts";
import { type FrozenShelf, frozenShelf } from "./frozen-shelf.ts";
import { TrainOptions, type TrainSettings } from "./options.ts";
import { train } from "./train.ts";
import { tunedStep } from "./tuned-step.ts";

/** Nothing changes the pictures from epoch to epoch. */
const task = { ...tinyTask(), augment: { flip: false, shift: 0 } };
const placementOf = (text: string) => parsePlacement(text, { states: 5, defaultRank: 2 });

const backbones: Record<string, ImageBackbone> = {};
beforeAll(async () => {
  backbones["pre-norm"] = await tinyPreNorm();
  backbones["post-norm"] = await tinyPostNorm();
});

async function stepOf(backbone: ImageBackbone, text: string, settings: TrainSettings = {}) {
  const options = TrainOptions.parse(settings);
  const spec = { method: methodOf(backbone, placementOf(text)), goal: task.goal };
  const traced = await traceBackbone(backbone, { batchSize: 8 });
  const { graph, layout } = tunedStep(backbone, traced, spec, options, { batchSize: 8 });
  return { graph, values: (of = task) => frozenValues(backbone, of, options, graph, layout) };
}

describe.each(["pre-norm", "post-norm"])("%s", (kind) => {
  test.each([
    ["3-4", [3, 4]], // the sum at state 4 without its adapter, and the adapter's source
    ["2-4", [2, 4]],
    ["2-2", [2]],
    ["4-1,3-2", [1, 3, 4]], // sources of a first run that ends at 4, and the first target
  ])(
    "of a step with adapters on %s the states %j are kept, and nothing before them is computed",
    async (text, kept) => {
      const backbone = backbones[kind]!;
      const { graph, values } = await stepOf(backbone, text);
      expect(values()).toEqual(kept.map((state) => backbone.states[state]));
      const cut = cutAt(graph, values());
      expect(cut.inputs).not.toContain(backbone.input.name);
      expect(productFlops(cut)).toBeLessThan(productFlops(graph));
    },
  );

  test("of a head alone its features are kept: the step is the head's own products", async () => {
    const { graph, values } = await stepOf(backbones[kind]!, "none");
    expect(values()).toEqual([POOLED]);
    // Forward and backward: 8 rows, 16 numbers each, 3 classes.
    const width = backbones[kind]!.pooling === "cls+mean" ? 32 : 16;
    expect(productFlops(cutAt(graph, values()))).toBe(2 * 2 * 8 * width * 3);
  });

  test.each(["3-4", "4-1,3-2", "none"])(
    "training on %s from kept values is training on computed ones",
    async (text) => {
      const run = (frozenCache: boolean) =>
        train(backbones[kind]!, task, placementOf(text), { options: { batchSize: 16, threads: 1, frozenCache } });
      const [kept, computed] = [await run(true), await run(false)];
      expect(kept.history.map(({ trainLoss }) => trainLoss)).toEqual(
        computed.history.map(({ trainLoss }) => expect.closeTo(trainLoss, 4)),
      );
      expect(relativeError(await outputsOf(kept, task.test), await outputsOf(computed, task.test))).toBeLessThan(5e-3);
    },
  );
});

test("nothing is kept where pictures change, where one epoch is all, or where it is not wanted", async () => {
  const backbone = backbones["pre-norm"]!;
  const { values } = await stepOf(backbone, "3-4");
  expect(values({ ...task, augment: { flip: true, shift: 0 } })).toEqual([]);
  expect((await stepOf(backbone, "3-4", { epochs: 1 })).values()).toEqual([]);
  expect((await stepOf(backbone, "3-4", { frozenCache: false })).values()).toEqual([]);
});

test("kept values have the same bits whatever batches they were computed in", async () => {
  const backbone = backbones["pre-norm"]!;
  const names = [backbone.states[2]!, POOLED];
  const all = Uint32Array.from({ length: task.train.count }, (_, k) => k);
  const keep = async (cuts: readonly number[]) => {
    const starts = [...new Set([0, ...cuts])].sort((a, b) => a - b);
    const batches = starts.map((start, k) => ({ indices: all.subarray(start, starts[k + 1]) }));
    const cache = (await cacheFrozen(backbone, task.train, names, batches, { threads: 1 }))!;
    const values = cache.values({ indices: Uint32Array.of(5, 39, 0), batchSize: 4 });
    // The larger batch's arrays, written over.
    const buffers: FeedBuffers = new Map();
    cache.values({ indices: Uint32Array.of(1, 2, 3, 4, 7, 9), batchSize: 6, buffers });
    expect(cache.values({ indices: Uint32Array.of(5, 39, 0), batchSize: 4, buffers })).toEqual(values);
    cache.close();
    return values;
  };
  const whole = await keep([]);
  expect(whole[POOLED]!.shape).toEqual([4, 32]); // the class token and the mean
  const anyCuts = fc.array(fc.integer({ min: 1, max: 39 }), { maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(anyCuts, async (cuts) => {
      expect(await keep(cuts)).toEqual(whole);
    }),
    { seed: 3, numRuns: 15 },
  );
});

describe("a shelf", () => {
  const augmented = { ...task, augment: { flip: true, shift: 1 } };

  /** Trains, and counts batches whose values were computed: one of the training examples (an epoch), one of the validation's. */
  function search(shelf: FrozenShelf, of = task) {
    let computed = 0;
    const onProgress = ({ phase }: Progress) => {
      if (phase === "frozen values") computed++;
    };
    return async (text: string, settings: TrainSettings = {}) => {
      computed = 0;
      const options = { batchSize: 16, threads: 1, epochs: 2, ...settings };
      const { history } = await train(backbones["pre-norm"]!, of, placementOf(text), { options, shelf, onProgress });
      return { history, computed };
    };
  }

  test("hands each value on from training to training", async () => {
    const shelf = frozenShelf();
    const run = search(shelf);
    const first = await run("3-4");
    const second = await run("3-4");
    expect([first.computed, second.computed]).toEqual([2, 0]);
    expect(second.history).toEqual(first.history);
    expect((await run("2-4")).computed).toBe(2); // state 2; 4 is there
    expect((await run("2-3")).computed).toBe(0);
    shelf.close();
    expect((await run("3-4")).computed).toBe(2);
    shelf.close();
  });

  test("keeps what a training made that was stopped", async () => {
    const shelf = frozenShelf();
    const backbone = backbones["pre-norm"]!;
    const options = { batchSize: 16, threads: 1, epochs: 2 };
    const stop = new AbortController();
    const stopped = train(backbone, task, placementOf("3-4"), {
      options,
      shelf,
      signal: stop.signal,
      onProgress: ({ phase }) => phase === "train" && stop.abort(),
    });
    await expect(stopped).rejects.toThrow(/abort/);
    const again = await search(shelf)("3-4");
    expect(again.computed).toBe(0);
    shelf.close();
  });

  test("drops what was not used for longest, never what is in use", async () => {
    const shelf = frozenShelf({ bytes: 1 });
    const run = search(shelf);
    const [first, second] = [await run("3-4"), await run("3-4")];
    expect([first.computed, second.computed]).toEqual([2, 2]);
    expect(second.history).toEqual(first.history);
  });

  test("of a search keeps augmented pictures epoch by epoch", async () => {
    const shelf = frozenShelf({ keepsEpochs: true });
    const run = search(shelf, augmented);
    const first = await run("3-4");
    expect(first.computed).toBe(3);
    const [again, otherSeed] = [await run("3-4"), await run("3-4", { seed: 1 })];
    expect(again).toEqual({ history: first.history, computed: 0 });
    expect(otherSeed.computed).toBe(2); // the validation's are the same
    const plain = await search(frozenShelf(), augmented)("3-4");
    expect(plain.computed).toBe(0);
    expect(first.history.map(({ trainLoss }) => trainLoss)).toEqual(
      plain.history.map(({ trainLoss }) => expect.closeTo(trainLoss, 4)),
    );
    shelf.close();
  });

  test("too small for that keeps none of them", async () => {
    const run = search(frozenShelf({ bytes: 10_000, keepsEpochs: true }), augmented);
    expect((await run("3-4")).computed).toBe(0);
  });
});

const diskFull = async (sizes: readonly number[]) => {
  const append = () => {
    throw new GraftError("FILE_DISK_FULL", { thing: "the folder", place: "its disk is full", remedy: "Make room" });
  };
  return sizes.map(() => ({ ...memoryRecordStore(), append }));
};

test.each([
  ["there is no room", async () => undefined],
  ["others fill the disk", diskFull],
])("where %s nothing is kept, that is said, and training goes on without", async (_, scratch) => {
  const backbone = backbones["pre-norm"]!;
  const full = { ...backbone, runtime: { ...backbone.runtime, scratch } };
  expect(await cacheFrozen(full, task.train, [POOLED], forwardBatches(task.train, backbone.input))).toBeUndefined();
  const options = { batchSize: 16, threads: 1, epochs: 2 };
  const notes: string[] = [];
  const trained = await train(full, task, placementOf("3-4"), { options, onNote: (text) => notes.push(text) });
  const plain = await train(backbone, task, placementOf("3-4"), { options: { ...options, frozenCache: false } });
  expect(trained.history).toEqual(plain.history);
  expect(notes).toEqual([expect.stringMatching(/^no room for \d+ MB of frozen values/)]);
});
