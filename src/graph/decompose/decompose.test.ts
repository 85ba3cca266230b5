import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type FusedCase, fusedCases, type Operand, type Sizes } from "../../../test/support/fused-cases.ts";
import { random } from "../../base/index.ts";
import type { HostTensor } from "../../runtime/index.ts";
import { nodeRuntime } from "../../runtime/node.ts";
import { createBuilder } from "../builder.ts";
import { checkGraph } from "../check-graph.ts";
import { tensorOf, tensorValues } from "../tensors.ts";
import type { Graph, Tensor } from "../types.ts";
import { decompose } from "./decompose.ts";
import { rewrites } from "./rewrites.ts";

/** The case's graph: fed operands are inputs (sizes open on request), the others weights. */
function fusedGraph(domain: string, op: string, given: FusedCase, sizes: Sizes, seed: number, open: boolean) {
  const opset = given.opset ?? (domain === "" ? 23 : 20);
  const g = createBuilder({ ...createBuilder().toGraph([]), opsets: new Map([["", opset]]) });
  const feeds: Record<string, HostTensor> = {};
  const operands = given.operands(sizes).map((operand, k) => {
    if (operand === undefined) return undefined;
    const tensor = drawn(operand, sizes, seed + k);
    if (operand.kind === "weight") return g.constant(tensor, `w${k}`);
    feeds[`x${k}`] = { dtype: tensor.dtype, shape: tensor.shape, data: tensorValues(tensor) };
    return g.input(`x${k}`, tensor.dtype, open ? operand.shape : tensor.shape);
  });
  const outputs = Array.from({ length: given.outputs ?? 1 }, (_, k) => (given.skip?.includes(k) ? "" : `y${k}`));
  g.ops(op, operands, outputs.length, given.attributes?.(sizes), { domain, outputs, name: "fused" });
  return { graph: g.toGraph(outputs.filter((name) => name !== "")), feeds };
}

function drawn(operand: Operand, sizes: Sizes, seed: number): Tensor {
  const shape = operand.shape.map((dim) => (typeof dim === "number" ? dim : sizes[dim]));
  const stream = random(seed, ...shape);
  const count = shape.reduce((a, b) => a * b, 1);
  return tensorOf(
    operand.dtype,
    shape,
    Array.from({ length: count }, (_, k) => operand.draw(stream, k)),
  );
}

async function run(graph: Graph, feeds: Record<string, HostTensor>) {
  const session = await nodeRuntime.open(graph, { threads: 1 });
  const results = await session.run(feeds);
  await session.release();
  return results;
}

const sizes: fc.Arbitrary<Sizes> = fc.record({
  batch: fc.integer({ min: 1, max: 3 }),
  tokens: fc.integer({ min: 2, max: 6 }),
  keys: fc.integer({ min: 1, max: 6 }),
  heads: fc.integer({ min: 1, max: 3 }),
  half: fc.integer({ min: 1, max: 4 }),
});

for (const [domain, table] of Object.entries(rewrites))
  describe(domain || "ai.onnx", () => {
    const cases = fusedCases[domain as keyof typeof fusedCases] as Record<string, readonly FusedCase[]>;
    const rows = Object.keys(table).flatMap((op) => cases[op]!.map((given) => ({ op, name: given.name, given })));
    test.each(rows)("$op, $name: the parts compute what the runtime's own kernel does", async ({ op, given }) => {
      await fc.assert(
        fc.asyncProperty(sizes, fc.nat(1000), fc.boolean(), async (size, seed, open) => {
          const { graph, feeds } = fusedGraph(domain, op, given, size, seed, open);
          const parts = checkGraph(decompose(graph));
          expect(parts.nodes.map((node) => node.domain).filter((name) => name !== "")).toEqual([]);
          expect([parts.inputs, parts.outputs]).toEqual([graph.inputs, graph.outputs]);
          const [fused, apart] = [await run(graph, feeds), await run(parts, feeds)];
          for (const name of graph.outputs) {
            const [expected, found] = [fused[name]!, apart[name]!];
            expect({ name, dtype: found.dtype, shape: found.shape }).toEqual({
              name,
              dtype: expected.dtype,
              shape: expected.shape,
            });
            const [a, b] = [expected, found].map(({ data }) => Array.from(data as Float32Array, Number));
            const largest = Math.max(1e-30, ...a!.map(Math.abs));
            const worst = Math.max(...a!.map((value, k) => Math.abs(value - b![k]!))) / largest;
            expect(worst, `${name} of ${JSON.stringify(size)}, seed ${seed}`).toBeLessThan(given.tolerance ?? 1e-5);
          }
        }),
        { seed: 3, numRuns: 8, endOnFailure: true },
      );
    });
  });

describe("around the fused operators", () => {
  const skipNorm = () => {
    const g = createBuilder();
    const [x, skip] = [g.input("x", "float32", ["batch", 4]), g.input("skip", "float32", ["batch", 4])];
    const gamma = g.constant(tensorOf("float32", [4], [1, 2, 3, 4]), "gamma");
    const options = { domain: "com.microsoft", outputs: ["normed", "", "", "sum"], name: "norm" };
    const [normed, , , sum] = g.ops("SkipLayerNormalization", [x, skip, gamma], 4, {}, options);
    g.op("Tanh", [g.op("Neg", [normed!], {}, { outputs: ["negative"] })], {}, { outputs: ["tanh"] });
    g.op("Add", [x, skip], {}, { outputs: ["own"] });
    g.op("Exp", [sum!], {}, { outputs: ["exp"] });
    return g.toGraph(["tanh", "exp", "own"]);
  };

  test("every value keeps its name, nodes come in order, types follow, the operator set goes", () => {
    const parts = checkGraph(decompose(skipNorm()));
    const made = parts.nodes.flatMap(({ outputs }) => outputs);
    for (const name of ["normed", "sum", "negative", "tanh", "own", "exp"]) expect(made).toContain(name);
    expect(parts.nodes.find(({ outputs }) => outputs.includes("normed"))).toMatchObject({ op: "LayerNormalization" });
    for (const name of ["normed", "sum", "negative", "tanh"])
      expect(parts.types.get(name), name).toEqual({ dtype: "float32", shape: ["batch", 4] });
    expect([...parts.opsets.keys()]).toEqual([""]);
    expect(new Set(parts.nodes.map(({ name }) => name)).size).toBe(parts.nodes.length);
  });

  test("two equal calls are computed once, under both names", () => {
    const graph = skipNorm();
    const [first] = graph.nodes;
    const twin = { ...first!, name: "twin", outputs: ["normed2", "", "", ""] };
    const parts = checkGraph(decompose({ ...graph, nodes: [...graph.nodes, twin], outputs: ["tanh", "normed2"] }));
    expect(parts.nodes.filter(({ op }) => op === "LayerNormalization")).toHaveLength(1);
    expect(parts.nodes.at(-1)).toMatchObject({ op: "Identity", inputs: ["normed"], outputs: ["normed2"] });
  });

  test("a graph without any is returned as it is", () => {
    const g = createBuilder();
    const graph = g.toGraph([g.tanh(g.input("x", "float32", [2])).name]);
    expect(decompose(graph)).toBe(graph);
  });

  test.each<[string, string, number, (k: number) => readonly number[]]>([
    ["Attention", "with a cache (input 4,", 5, (k) => [[2, 3, 4], [4, 12], [12], [2], [2, 2, 1, 5, 2]][k]!],
    ["Attention", "with a mask of 8 numbers for 2 examples", 4, (k) => [[2, 3, 4], [4, 12], [12], [8]][k]!],
    ["Attention", "with a mask of 4 dimensions", 4, (k) => [[2, 3, 4], [4, 12], [12], [2, 1, 3, 3]][k]!],
    ["MultiHeadAttention", "with q, k and v packed", 1, () => [2, 3, 4]],
  ])("%s %s is refused by name", (op, form, count, shapeOf) => {
    const g = createBuilder();
    const inputs = Array.from({ length: count }, (_, k) => g.input(`x${k}`, "float32", shapeOf(k)));
    const y = g.op(op, inputs, { num_heads: { type: "int", value: 2 } }, { domain: "com.microsoft", name: "att" });
    expect(() => decompose(g.toGraph([y.name]))).toThrow(
      expect.objectContaining({
        code: "FUSED_UNSUPPORTED",
        message: expect.stringContaining(`com.microsoft.${op} node "att": it is used ${form}`),
      }),
    );
  });

  test("packed q, k and v are those apart", async () => {
    // The runtime's CPU kernel knows them apart only: that is the reference.
    const [batch, tokens, heads, size] = [2, 3, 2, 4];
    const stream = random(5);
    const data = Array.from({ length: batch * tokens * heads * 3 * size }, () => stream.normal());
    const part = (at: number) => data.filter((_, k) => Math.floor(k / size) % 3 === at);
    const attributes = { num_heads: { type: "int", value: heads } } as const;
    const options = { domain: "com.microsoft", outputs: ["y"], name: "att" };
    const apart = createBuilder();
    const flat = [0, 1, 2].map((k) => apart.input(`x${k}`, "float32", [batch, tokens, heads * size]));
    apart.op("MultiHeadAttention", flat, attributes, options);
    const packed = createBuilder();
    packed.op(
      "MultiHeadAttention",
      [packed.input("x", "float32", ["batch", "tokens", heads, 3, size])],
      attributes,
      options,
    );
    const tensor = (shape: readonly number[], values: readonly number[]): HostTensor => ({
      dtype: "float32",
      shape,
      data: Float32Array.from(values),
    });
    const expected = await run(
      apart.toGraph(["y"]),
      Object.fromEntries([0, 1, 2].map((k) => [`x${k}`, tensor([batch, tokens, heads * size], part(k))])),
    );
    const found = await run(decompose(packed.toGraph(["y"])), { x: tensor([batch, tokens, heads, 3, size], data) });
    expect(found.y!.shape).toEqual(expected.y!.shape);
    const close = Array.from(expected.y!.data as Float32Array, (value) => expect.closeTo(value, 5));
    expect(Array.from(found.y!.data as Float32Array)).toEqual(close);
  });
});
