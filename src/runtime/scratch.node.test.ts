import { expect, test } from "vitest";
import { scratch } from "./scratch.node.ts";
import { createWebRuntime } from "./web.ts";

test("there is room for a little, in memory, and none for more than the disk holds", () => {
  const store = scratch(1000)!;
  store.append(Uint8Array.of(1, 2, 3));
  expect(store.get(0)).toEqual(Uint8Array.of(1, 2, 3));
  store.close();
  expect(scratch(2 ** 60)).toBeUndefined();
});

test("what does not go into memory goes into a file", () => {
  const store = scratch(process.availableMemory() / 3)!;
  store.append(Uint8Array.of(1, 2, 3));
  expect(store.get(0)).toEqual(Uint8Array.of(1, 2, 3));
  store.close();
});

test("a page keeps half a gigabyte at most", () => {
  const runtime = createWebRuntime();
  expect(runtime.scratch(2 ** 29)).toBeDefined();
  expect(runtime.scratch(2 ** 29 + 1)).toBeUndefined();
});
