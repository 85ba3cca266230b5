import { expect, test } from "vitest";
import { createBuilder, type DataType, type Graph, type Shape } from "../graph/index.ts";
import { bindShapes } from "./index.ts";

function withInputs(...inputs: readonly (readonly [string, DataType, Shape])[]): Graph {
  const g = createBuilder();
  for (const input of inputs) g.input(...input);
  return g.toGraph([]);
}

test("open dimensions of texts and pictures are bound, fixed ones stay", () => {
  const text = withInputs(["ids", "int64", ["n", "t"]], ["mask", "int64", ["n", 12]]);
  expect(bindShapes(text, { batch: 4, sequence: 12 })).toEqual({ ids: [4, 12], mask: [4, 12] });
  const picture = withInputs(["pixels", "float32", [null, null, "h", 32]]);
  expect(bindShapes(picture, { batch: 2, image: { height: 24, width: 32 } })).toEqual({ pixels: [2, 3, 24, 32] });
});

test.each([
  ["a fixed batch", withInputs(["x", "float32", [1, 3, 8, 8]]), { batch: 8 }, /"x".*fixes its batch to 1/],
  ["a missing sequence length", withInputs(["ids", "int64", ["n", "t"]]), { batch: 1 }, /dimension 1.*`sequence`/],
  ["a missing image size", withInputs(["x", "float32", ["n", 3, "h", "w"]]), { batch: 1 }, /height, is open.*`image`/],
  ["another sequence length", withInputs(["x", "int64", ["n", 128]]), { batch: 1, sequence: 64 }, /sequence to 128/],
  ["open features", withInputs(["x", "float32", ["n", "t", null]]), { batch: 1, sequence: 4 }, /its features, is open/],
  ["too many dimensions", withInputs(["x", "float32", [1, 2, 3, 4, 5]]), { batch: 1 }, /5 dimensions/],
])("%s is an error that names input and remedy", (_, graph, sizes, message) => {
  expect(() => bindShapes(graph, sizes)).toThrow(expect.objectContaining({ code: "INPUT_SHAPE" }));
  expect(() => bindShapes(graph, sizes)).toThrow(message);
});
