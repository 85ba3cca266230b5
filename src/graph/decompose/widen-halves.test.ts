import { describe, expect, test } from "vitest";
import { random } from "../../base/index.ts";
import { nodeRuntime } from "../../runtime/node.ts";
import { int } from "../attributes.ts";
import { createBuilder } from "../builder.ts";
import { checkGraph } from "../check-graph.ts";
import { fromBfloat16, fromFloat16 } from "../half.ts";
import { dataTypeCode } from "../onnx/data-types.ts";
import { tensorOf, tensorValues } from "../tensors.ts";
import type { Graph } from "../types.ts";
import { widenHalves } from "./widen-halves.ts";

const draw = (seed: number, count: number) => {
  const stream = random(seed);
  return Array.from({ length: count }, () => stream.normal());
};

/** Norm, product, scale and softmax in `dtype`, with casts in between; `own` keeps input and output in float32. */
function halfGraph(dtype: "float16" | "bfloat16", own: boolean): Graph {
  const g = createBuilder();
  const fed = g.input("x", own ? "float32" : dtype, ["batch", 6]);
  const weight = g.constant(tensorOf(dtype, [6, 5], draw(1, 30)), "weight");
  const scale = g.op("Constant", [], {
    value: { type: "tensor", value: tensorOf(dtype, [5], draw(2, 5)) },
  });
  const x = own ? g.cast(fed, dtype) : fed;
  const product = g.mul(g.mul(g.matmul(x, weight), scale), g.scalar(0.5, dtype));
  const wide = g.cast(g.cast(product, "float32"), dtype); // as converters write around operators they leave alone
  const y = g.softmax(wide);
  const result = own ? g.cast(y, "float32") : y;
  return g.toGraph([g.rename(result, "y").name]);
}

const x = draw(3, 12);

async function run(graph: Graph): Promise<number[]> {
  const { dtype } = graph.types.get("x")!;
  const session = await nodeRuntime.open(graph, { threads: 1 });
  const feed = tensorOf(dtype as "float32", [2, 6], x);
  const { y } = await session.run({ x: { dtype, shape: [2, 6], data: tensorValues(feed) } });
  await session.release();
  return Array.from(y!.data as Float32Array, (value) => (y!.dtype === "float16" ? fromFloat16(value) : value));
}

describe.each([false, true])("float16, input and output of their own type: %s", (own) => {
  test("is computed in float32, near to what the file computes", async () => {
    const graph = halfGraph("float16", own);
    const wide = checkGraph(widenHalves(graph));
    expect([wide.types.get("x"), wide.types.get("y")?.dtype]).toEqual([
      { dtype: "float32", shape: ["batch", 6] },
      "float32",
    ]);
    const [before, after] = [await run(graph), await run(wide)];
    // Half precision has 11 bits: 5e-4 for each of a few roundings.
    after.forEach((value, k) => {
      expect(Math.abs(value - before[k]!)).toBeLessThan(2e-3);
    });
  });

  test("weights keep their bits and their name", () => {
    const graph = halfGraph("float16", own);
    const wide = widenHalves(graph);
    expect(wide.initializers.get("weight")).toBe(graph.initializers.get("weight"));
    const to = int(dataTypeCode("float32"));
    expect(
      wide.nodes.filter(({ op }) => op === "Cast").every(({ attributes }) => attributes.to!.value === to.value),
    ).toBe(true);
    expect(wide.nodes.find(({ op }) => op === "MatMul")!.inputs[1]).toBe("weight/float32");
  });
});

test("bfloat16, whose products the runtime has no kernels for, runs in float32", async () => {
  const wide = checkGraph(widenHalves(halfGraph("bfloat16", true)));
  const rounded = (values: readonly number[]) =>
    Array.from(tensorValues(tensorOf("bfloat16", [values.length], values)) as Uint16Array, fromBfloat16);
  const [weight, scale] = [rounded(draw(1, 30)), rounded(draw(2, 5))];
  const scores = [0, 1].map((row) =>
    scale.map(
      (s, c) => 0.5 * s * weight.reduce((sum, w, k) => sum + (k % 5 === c ? w * x[6 * row + (k - c) / 5]! : 0), 0),
    ),
  );
  const expected = scores.flatMap((row) => {
    const total = row.reduce((sum, value) => sum + Math.exp(value), 0);
    return row.map((value) => Math.exp(value) / total);
  });
  expect(await run(wide)).toEqual(expected.map((value) => expect.closeTo(value, 5)));
});

test("a float32 graph is returned as it is", () => {
  const g = createBuilder();
  const graph = g.toGraph([g.cast(g.input("x", "float32", [2]), "int64").name]);
  expect(widenHalves(graph)).toBe(graph);
});
