import { expect, test } from "vitest";
import { createBuilder, prune } from "../graph/index.ts";
import { declareParameters, layoutOf } from "../parameters/index.ts";
import { appendGradients } from "./append-gradients.ts";

test("a gradient that was reshaped, as a convolution's is, is not reshaped again on its way out", () => {
  const g = createBuilder();
  const layout = layoutOf([{ name: "w", shape: [2, 3, 1] }]);
  const declared = declareParameters(g, layout);
  const product = g.matmul(g.input("x", "float32", [4, 2]), g.reshape(declared.tensors.get("w")!, [2, 3]));
  const outputs = appendGradients(g, layout, declared, g.reduceSum(product, [0, 1], false));
  const { nodes } = prune(g.toGraph(outputs));
  const reshaped = new Set(nodes.flatMap(({ op, outputs }) => (op === "Reshape" ? outputs : [])));
  const twice = nodes.filter(({ op, inputs }) => op === "Reshape" && reshaped.has(inputs[0]!));
  expect(reshaped.size).toBeGreaterThan(0);
  expect(twice).toEqual([]);
});
