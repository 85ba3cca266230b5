import { describe, expect, test } from "vitest";
import { createBuilder } from "../graph/index.ts";
import { nodeRuntime } from "../runtime/index.node.ts";
import type { ImageSplit, TextSplit } from "../tasks/index.ts";
import { stepFeeds } from "./feeds.ts";
import { forwardRows } from "./forward.ts";

const input = { kind: "image", name: "pixels", height: 1, width: 1, mean: [0, 0, 0], std: [1, 1, 1] } as const;
/** Five images of one pixel; image k has the values k, 10 and 0. */
const split: ImageSplit = {
  kind: "image",
  count: 5,
  targets: { kind: "none" },
  pixels: (index) => Uint8Array.of(index, 10, 0),
};

/** A graph whose rows are the sum of an image's values and that sum plus `shift`. */
async function openSums() {
  const g = createBuilder();
  const pixels = g.input("pixels", "float32", ["batch", 3, 1, 1]);
  const sum = g.mul(g.reduceSum(g.reshape(pixels, [-1, 3]), [1]), g.scalar(255));
  g.rename(g.concat([sum, g.add(sum, g.input("shift", "float32", [1]))], 1), "rows");
  return nodeRuntime.open(g.toGraph(["rows"]), { threads: 1 });
}
const run = {
  input,
  output: "rows",
  width: 2,
  feeds: { shift: { dtype: "float32", shape: [1], data: Float32Array.of(100) } },
} as const;

test.each([1, 2, 5, 100])("rows lie in order of the indices, in batches of %i", async (batchSize) => {
  const session = await openSums();
  const done: number[] = [];
  const call = { phase: "sums", onProgress: (progress: { done: number }) => done.push(progress.done) };
  const rows = await forwardRows(session, split, { ...run, ...call, indices: Uint32Array.of(4, 0, 2), batchSize });
  expect([...rows].map(Math.round)).toEqual([14, 114, 10, 110, 12, 112]);
  expect(done.at(-1)).toBe(3);
  expect(done).toHaveLength(Math.ceil(3 / batchSize));
  await session.release();
});

test("an abort ends it after the batch at hand", async () => {
  const session = await openSums();
  const controller = new AbortController();
  const seen: number[] = [];
  const pixels = (index: number) => {
    seen.push(index);
    if (index === 1) controller.abort(new Error("enough"));
    return split.pixels(index);
  };
  const call = { ...run, batchSize: 1, signal: controller.signal };
  await expect(forwardRows(session, { ...split, pixels }, call)).rejects.toThrow("enough");
  expect(seen).toEqual([0, 1]);
  await session.release();
});

describe.each(["left", "right"] as const)("padding on the %s", (paddingSide) => {
  /** Texts of tokens 1, 2, 3, … that have the tag 0; the first and last token of each have none. */
  const sizes = [4, 7, 3];
  const texts: TextSplit = {
    kind: "text",
    count: sizes.length,
    targets: {
      kind: "tags",
      tags: (index) => Int32Array.from({ length: sizes[index]! }, (_, k) => (k % (sizes[index]! - 1) ? 0 : -100)),
    },
    encodings: (index) => {
      const ids = Int32Array.from({ length: sizes[index]! }, (_, k) => k + 1);
      return [{ ids, typeIds: new Int32Array(ids.length), truncated: false }];
    },
    views: 1,
    isPair: false,
    length: (index) => sizes[index]!,
    padding: { padId: 99, padTypeId: 0, paddingSide },
  };
  const ids = { kind: "text", ids: "ids", dtype: "int64" } as const;

  test("what is gathered of each token is what the model made of it", async () => {
    const g = createBuilder();
    const read = g.cast(g.input("ids", "int64", ["batch", "tokens"]), "float32");
    g.rename(g.unsqueeze(read, [2]), "rows");
    const session = await nodeRuntime.open(g.toGraph(["rows"]), { threads: 1 });
    const rows = await forwardRows(session, texts, { input: ids, output: "rows", width: 1, level: "token" });
    expect([...rows]).toEqual([2, 3, 2, 3, 4, 5, 6, 2]);
    await session.release();
  });

  test("a step's targets lie where the tokens are that they are for", () => {
    const batch = { split: texts, indices: Uint32Array.of(0, 1, 2), input: ids, batchSize: 4, tokens: 8 };
    const feeds = stepFeeds({ kind: "tokens", classes: ["only"] }, batch);
    const tagged = (name: string) => [...feeds.ids!.data].map(Number).filter((_, k) => feeds[name]!.data[k] === 1);
    expect(tagged("weights")).toEqual([2, 3, 2, 3, 4, 5, 6, 2]);
    expect(tagged("targets")).toEqual(tagged("weights"));
  });
});
