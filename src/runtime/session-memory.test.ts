import { expect, test } from "vitest";
import { createBuilder, prune, tensorOf } from "../graph/index.ts";
import { sessionMemory } from "./session-memory.ts";

const weight = (rows: number, columns: number) =>
  tensorOf("float32", [rows, columns], new Float32Array(rows * columns));

test("values live from the node that makes them to the last that reads them", () => {
  const g = createBuilder();
  const x = g.input("x", "float32", [10, 10]); // 400 bytes, the caller's to the end
  const wide = g.matmul(x, g.constant(weight(10, 50))); // 2,000
  const act = g.exp(wide); // in place
  const back = g.matmul(act, g.constant(weight(50, 10))); // 400
  const graph = g.toGraph([g.rename(g.add(back, x), "y").name]); // in place
  // x, wide and back at once; act takes wide's place.
  expect(sessionMemory(graph)).toEqual({ weights: 4000, values: 400 + 2000 + 400 });
});

test("a value that is read again is not overwritten", () => {
  const g = createBuilder();
  const x = g.input("x", "float32", [10, 10]);
  const a = g.matmul(x, g.constant(weight(10, 10)));
  const graph = g.toGraph([g.rename(g.mul(g.exp(a), a), "y").name]);
  expect(sessionMemory(graph).values).toBe(400 + 400 + 400);
});

test("reshapes take nothing, and so do transposes that only products read; of constants they are weights", () => {
  const g = createBuilder();
  const x = g.input("x", "float32", [10, 20]);
  const w = g.constant(weight(20, 20));
  const h = g.matmul(g.reshape(x, [10, 20]), w);
  const product = g.matmul(g.transpose(h, [1, 0]), h); // 1,600
  const graph = prune(g.toGraph([g.rename(g.matmul(product, g.transpose(w, [1, 0])), "y").name])); // 1,600
  expect(sessionMemory(graph)).toEqual({ weights: 2 * 1600, values: 800 + 1600 + 1600 });
});

test("an output that is copied to the caller's array takes nothing, nor does what it is a copy of once it is copied", () => {
  const g = createBuilder();
  const x = g.input("x", "float32", [10, 10]);
  const wide = g.matmul(x, g.constant(weight(10, 50))); // 2,000
  const out = g.rename(g.reshape(wide, [500]), "wide").name;
  const again = g.rename(g.matmul(x, g.constant(weight(10, 40))), "again").name; // 1,600
  const graph = g.toGraph([out, again]);
  expect(sessionMemory(graph).values).toBe(400 + 2000 + 1600);
  expect(sessionMemory(graph, new Set([out, again])).values).toBe(400 + 2000);
});
