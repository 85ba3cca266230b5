import { statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import { scratch } from "./scratch.node.ts";
import { createWebRuntime } from "./web.ts";

function freeDisk(): number {
  const { bavail, bsize } = statfsSync(tmpdir());
  return bavail * bsize;
}

test("there is room for a little, in memory, and none for more than the disk holds", () => {
  const store = scratch([1000])![0]!;
  store.append(Uint8Array.of(1, 2, 3));
  expect(store.get(0)).toEqual(Uint8Array.of(1, 2, 3));
  store.close();
  expect(scratch([2 ** 60])).toBeUndefined();
});

test("what does not go into memory goes into a file", () => {
  const store = scratch([process.availableMemory() / 3])![0]!;
  store.append(Uint8Array.of(1, 2, 3));
  expect(store.get(0)).toEqual(Uint8Array.of(1, 2, 3));
  store.close();
});

test("stores share the room: what one was promised is not there for the next, until it closes", () => {
  const most = 2 ** Math.ceil(Math.log2(freeDisk()));
  const part = most / 8;
  const stores = [];
  let store = scratch([part, part]);
  for (; store !== undefined && stores.length < 8; store = scratch([part, part])) stores.push(...store);
  expect(store).toBeUndefined();
  for (const each of stores) each.close();
  const again = scratch([part])!;
  expect(again).toHaveLength(1);
  again[0]!.close();
  again[0]!.close();
});

test("a page keeps half a gigabyte at most, in all", () => {
  const runtime = createWebRuntime();
  const [first, second] = runtime.scratch([2 ** 28, 2 ** 27])!;
  second!.append(Uint8Array.of(1, 2, 3));
  expect(second!.get(0)).toEqual(Uint8Array.of(1, 2, 3));
  expect(runtime.scratch([2 ** 27, 1])).toBeUndefined();
  first!.close();
  expect(runtime.scratch([2 ** 28 + 2 ** 27])).toHaveLength(1);
});
