import { expect, test } from "vitest";
import { createBuilder } from "../graph/index.ts";
import { threadsFor } from "./threads.ts";

/** One product of 2 · rows · 1000 · 1000 operations. */
function product(rows: number | string) {
  const g = createBuilder();
  const y = g.matmul(g.input("x", "float32", [rows, 1000]), g.input("w", "float32", [1000, 1000]));
  return g.toGraph([g.rename(y, "y").name]);
}

test("a small graph takes one thread, a large one and one of open size the runtime's choice", () => {
  expect(threadsFor(product(24))).toBe(1); // 48 million
  expect(threadsFor(product(26))).toBeUndefined(); // 52 million
  expect(threadsFor(product("batch"))).toBeUndefined();
});
