import { statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import { scratch } from "./scratch.node.ts";
import { createWebRuntime } from "./web.ts";

function freeDisk(): number {
  const { bavail, bsize } = statfsSync(tmpdir());
  return bavail * bsize;
}

test("there is room for a little, in memory, and none for more than the disk holds", async () => {
  const store = (await scratch([1000]))![0]!;
  store.append(Uint8Array.of(1, 2, 3));
  expect(store.get(0)).toEqual(Uint8Array.of(1, 2, 3));
  store.close();
  expect(await scratch([2 ** 60])).toBeUndefined();
});

test("what does not go into memory goes into a file", async () => {
  const store = (await scratch([process.availableMemory() / 3]))![0]!;
  store.append(Uint8Array.of(1, 2, 3));
  expect(store.get(0)).toEqual(Uint8Array.of(1, 2, 3));
  store.close();
});

test("stores share the room: what one was promised is not there for the next, until it closes", async () => {
  const most = 2 ** Math.ceil(Math.log2(freeDisk()));
  const part = most / 8;
  const stores = [];
  let store = await scratch([part, part]);
  for (; store !== undefined && stores.length < 8; store = await scratch([part, part])) stores.push(...store);
  expect(store).toBeUndefined();
  for (const each of stores) each.close();
  const again = (await scratch([part]))!;
  expect(again).toHaveLength(1);
  again[0]!.close();
  again[0]!.close();
});

test("where a page has no files it keeps half a gigabyte at most, in all", async () => {
  const runtime = createWebRuntime();
  const [first, second] = (await runtime.scratch([2 ** 28, 2 ** 27]))!;
  second!.append(Uint8Array.of(1, 2, 3));
  expect(second!.get(0)).toEqual(Uint8Array.of(1, 2, 3));
  expect(await runtime.scratch([2 ** 27, 1])).toBeUndefined();
  first!.close();
  expect(await runtime.scratch([2 ** 28 + 2 ** 27])).toHaveLength(1);
});
