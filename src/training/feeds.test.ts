import { expect, test } from "vitest";
import type { ImageInput, TextInput } from "../backbone/index.ts";
import type { ImageSplit, TextSplit } from "../tasks/index.ts";
import { inputFeeds } from "./feeds.ts";

const pixels: ImageSplit = {
  kind: "image",
  count: 3,
  targets: { kind: "none" },
  pixels: (index) => Uint8Array.of(index, 10, 20),
};
const picture: ImageInput = {
  kind: "image",
  name: "x",
  height: 1,
  width: 1,
  mean: [0, 0, 0],
  std: [1 / 255, 1 / 255, 1 / 255],
};

test("batches are written into the arrays of the batch before, padding and all", () => {
  const feed = (indices: number[], batchSize: number, buffers?: Map<string, Float32Array>) =>
    inputFeeds({
      split: pixels,
      indices: Uint32Array.from(indices),
      input: picture,
      batchSize,
      buffers,
    }).x!;
  const buffers = new Map<string, Float32Array>();
  const first = feed([0, 1, 2], 3, buffers);
  const second = feed([2], 2, buffers);
  expect(second.data.buffer).toBe(first.data.buffer);
  expect([...second.data].map(Number).map(Math.round)).toEqual([2, 10, 20, 0, 0, 0]);
  expect(feed([2], 2).data).toEqual(second.data);
  expect(feed([2], 4, buffers).data).toHaveLength(12); // more than there is room for
});

test("int64 inputs are whole numbers of both signs", () => {
  const ids = Int32Array.of(5, -7, 2 ** 31 - 1, -(2 ** 31));
  const texts: TextSplit = {
    kind: "text",
    count: 1,
    targets: { kind: "none" },
    encodings: () => [{ ids, typeIds: new Int32Array(4), truncated: false }],
    views: 1,
    isPair: false,
    length: () => 4,
    padding: { padId: 0, padTypeId: 0, paddingSide: "right" },
  };
  const input = { kind: "text", ids: "ids", mask: "mask", dtype: "int64" } as TextInput;
  const feeds = inputFeeds({ split: texts, indices: Uint32Array.of(0), input, batchSize: 1, tokens: 6 });
  expect([...feeds.ids!.data]).toEqual([5n, -7n, 2147483647n, -2147483648n, 0n, 0n]);
  expect([...feeds.mask!.data]).toEqual([1n, 1n, 1n, 1n, 0n, 0n]);
});
