import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { gradientError, normal, run, uniform } from "../../test/support/gradient-error.ts";
import { type Builder, createBuilder, decodeModel, float, int, prune, tensorOf, type Value } from "../graph/index.ts";
import { AttributeProto_AttributeType, GraphProtoSchema, ModelProtoSchema } from "../graph/onnx/gen/onnx_pb.js";
import { nodeRuntime } from "../runtime/index.node.ts";
import type { HostTensor } from "../runtime/index.ts";
import { differentiate } from "./differentiate.ts";

const x = [0.3, -1.2, 0.7];
const w = [0.5, -0.25, 2];
const feed = (...values: number[]): HostTensor => ({
  dtype: "float64",
  shape: [values.length],
  data: Float64Array.from(values),
});

/** Differentiate Σ f(x) · w, and give the gradients' numbers. */
async function gradients(build: (g: Builder, x: Value) => { loss: Value; wrt: readonly Value[] }): Promise<number[][]> {
  const g = createBuilder();
  const { loss, wrt } = build(g, g.input("x", "float64", [3]));
  const names = differentiate(g, loss, wrt).map((gradient, k) => g.rename(gradient, `gradient${k}`).name);
  const results = await run(prune(g.toGraph(names)), { x: feed(...x) });
  return names.map((name) => Array.from(results[name]!.data as Float64Array));
}

const weigh = (g: Builder, y: Value, weights: readonly number[]) =>
  g.reduceSum(g.mul(y, g.constant(tensorOf("float64", [weights.length], weights))), [0], false);

const closeTo = (values: readonly number[]) => values.map((value) => expect.closeTo(value, 12));

test("a value read several times collects all its cotangents", async () => {
  // y = x² + x  ⇒  dx = w(2x + 1)
  const [dx] = await gradients((g, x) => ({ loss: weigh(g, g.add(g.mul(x, x), x), w), wrt: [x] }));
  expect(dx).toEqual(closeTo(x.map((value, k) => w[k]! * (2 * value + 1))));
});

test("values on one another's paths each get the whole gradient behind them", async () => {
  // h = tanh x, y = h², loss = Σ wy + Σ h  ⇒  dy = w, dh = 1 + 2hw, dx = dh(1 − h²)
  const [dy, dh, dx, dloss] = await gradients((g, x) => {
    const h = g.tanh(x);
    const y = g.mul(h, h);
    const loss = g.add(weigh(g, y, w), weigh(g, h, [1, 1, 1]));
    return { loss, wrt: [y, h, x, loss] };
  });
  const h = x.map(Math.tanh);
  const expected = h.map((value, k) => 1 + 2 * value * w[k]!);
  expect(dy).toEqual(closeTo(w));
  expect(dh).toEqual(closeTo(expected));
  expect(dx).toEqual(closeTo(expected.map((slope, k) => slope * (1 - h[k]! ** 2))));
  expect(dloss).toEqual([1]);
});

/** Rows of a table, read over and over: what their gradients add up at one place must not hang on two threads' turns. */
test.each(["Gather", "GatherND"])("%s: no cotangent is lost where several threads add to the same rows", async (op) => {
  const [rows, d, count] = [5, 768, 1024];
  const cotangents = Float32Array.from({ length: count * d }, (_, k) => k % 7);
  const expected = new Float32Array(rows * d);
  for (const [k, value] of cotangents.entries()) expected[(Math.floor(k / d) % rows) * d + (k % d)]! += value;
  const g = createBuilder();
  const table = g.input("table", "float32", [rows, d]);
  const at = g.input("at", "int64", [count, 1]);
  const picked = g.reshape(g.op(op, [table, at]), [count, d]);
  const loss = g.reduceSum(g.mul(picked, g.input("cotangents", "float32", [count, d])), [0, 1], false);
  g.rename(differentiate(g, loss, [table])[0]!, "gradient");
  const session = await nodeRuntime.open(prune(g.toGraph(["gradient"])), { threads: 2 });
  const feeds = {
    table: { dtype: "float32", shape: [rows, d], data: new Float32Array(rows * d) },
    at: { dtype: "int64", shape: [count, 1], data: BigInt64Array.from({ length: count }, (_, k) => BigInt(k % rows)) },
    cotangents: { dtype: "float32", shape: [count, d], data: cotangents },
  } as const;
  for (let round = 0; round < 10; round++) expect((await session.run(feeds)).gradient!.data).toEqual(expected);
  await session.release();
});

test("without dependence the gradient is zero", async () => {
  const [none, stopped, some] = await gradients((g, x) => {
    const other = g.constant(tensorOf("float64", [2, 2], [1, 2, 3, 4]));
    const steps = g.op("Floor", [x]);
    return { loss: weigh(g, g.add(steps, g.neg(x)), w), wrt: [other, steps, x] };
  });
  expect(none).toEqual([0, 0, 0, 0]);
  expect(stopped).toEqual(w);
  expect(some).toEqual(w.map((weight) => -weight)); // nothing through Floor
});

test("integers end a path: positions of maxima need no rule", async () => {
  const [dx] = await gradients((g, x) => {
    const best = g.op("ArgMax", [x], { axis: int(0), keepdims: int(0) });
    const table = g.constant(tensorOf("float64", [3], [10, 20, 30]));
    return { loss: g.add(g.gather(table, best, 0), weigh(g, x, w)), wrt: [x] };
  });
  expect(dx).toEqual(w);
});

describe("what cannot be differentiated is refused", () => {
  test("an operator without a rule, by name and node, but only where a gradient must pass", () => {
    const g = createBuilder();
    const [a, b] = [g.input("a", "float32", [2, 2]), g.input("b", "float32", [2, 2])];
    const determinant = g.refine(g.op("Det", [a], {}, { name: "volume" }), { dtype: "float32", shape: [] });
    const loss = g.add(determinant, g.reduceSum(b, [0, 1], false));
    expect(() => differentiate(g, loss, [a])).toThrow(/^Det node "volume": a gradient has to pass it/);
    expect(() => differentiate(g, loss, [b])).not.toThrow();
  });

  test("an operand its rule does not cover", () => {
    const g = createBuilder();
    const variance = g.input("variance", "float32", [2]);
    const [x, scale, bias, mean] = ["x", "scale", "bias", "mean"].map((name) =>
      g.input(name, "float32", name === "x" ? [3, 2] : [2]),
    );
    const loss = g.reduceSum(g.op("BatchNormalization", [x!, scale!, bias!, mean!, variance]), [0, 1], false);
    expect(() => differentiate(g, loss, [variance])).toThrow(/operand 4 \("variance"\), which its rule does not cover/);
    expect(() => differentiate(g, loss, [x!, scale!, bias!])).not.toThrow();
  });

  test("an operator set that no rule knows", () => {
    const base = { ...createBuilder().toGraph([]), opsets: new Map([["", 99]]) };
    const g = createBuilder(base);
    const x = g.input("x", "float32", []);
    expect(() => differentiate(g, g.tanh(x), [x])).toThrow(/covers opsets 6 to 25, the graph is written in 99/);
  });

  test("a loss of several numbers, or of unknown shape", () => {
    const g = createBuilder();
    const [x, open] = [g.input("x", "float32", [2]), g.input("open", "float32", ["n"])];
    expect(() => differentiate(g, g.tanh(x), [x])).toThrow(expect.objectContaining({ code: "LOSS_NOT_SCALAR" }));
    expect(() => differentiate(g, open, [x])).toThrow(expect.objectContaining({ code: "SHAPE_UNKNOWN" }));
  });

  test("a subgraph that captures the value", () => {
    const branch = create(GraphProtoSchema, {
      name: "branch",
      node: [{ opType: "Neg", input: ["x"], output: ["inside"] }],
      output: [{ name: "inside" }],
    });
    const type = AttributeProto_AttributeType.GRAPH;
    const scalar = (name: string, elemType: number) => ({
      name,
      type: { value: { case: "tensorType" as const, value: { elemType, shape: { dim: [] } } } },
    });
    const model = create(ModelProtoSchema, {
      irVersion: 9n,
      opsetImport: [{ version: 20n }],
      graph: {
        name: "g",
        input: [scalar("condition", 9), scalar("x", 1)],
        output: [scalar("y", 1)],
        node: [
          {
            opType: "If",
            name: "choice",
            input: ["condition"],
            output: ["y"],
            attribute: ["then_branch", "else_branch"].map((name) => ({ name, type, g: branch })),
          },
        ],
      },
    });
    const g = createBuilder(decodeModel(toBinary(ModelProtoSchema, model)));
    expect(() => differentiate(g, g.value("y"), [g.value("x")])).toThrow(/^If node "choice"/);
  });
});

describe("cost", () => {
  test("zeros are made at run time, not stored", () => {
    const g = createBuilder();
    const x = g.input("x", "float32", [512, 1024]);
    const [, part] = g.split(x, 1, [256, 512, 256]) as [Value, Value, Value];
    const rows = g.slice(part, 0, 1, 2);
    const gradient = differentiate(g, g.reduceSum(g.mul(rows, rows), [0, 1], false), [x])[0]!;
    const bytes = [...prune(g.toGraph([gradient.name])).initializers.values()].map((tensor) => tensor.bytes.length);
    expect(Math.max(...bytes)).toBeLessThan(100);
  });

  test("frozen weights get no gradient: their products are not in the graph", () => {
    const g = createBuilder();
    const x = g.input("x", "float32", [2, 3]);
    const weight = g.constant(tensorOf("float32", [3, 3], new Float32Array(9)));
    const before = g.nodes().length;
    differentiate(g, g.reduceSum(g.tanh(g.matmul(x, weight)), [0, 1], false), [x]);
    expect(
      g
        .nodes()
        .slice(before)
        .filter((node) => node.op === "MatMul"),
    ).toHaveLength(2); // one forward, one back
  });
});

/** Smooth steps from one value or two to a value of the same shape, [2, 3]. */
const steps: readonly ((g: Builder, a: Value, b: Value) => Value)[] = [
  (g, a) => g.tanh(a),
  (g, a) => g.sigmoid(a),
  (g, a) => g.sin(a),
  (g, a) => g.softmax(a),
  (g, a) => g.softmax(a, 0),
  (g, a, b) => g.add(a, b),
  (g, a, b) => g.sub(a, b),
  (g, a, b) => g.mul(a, b),
  (g, a, b) => g.div(a, g.add(g.mul(b, b), g.scalar(1, "float64"))),
  (g, a, b) => g.matmul(g.matmul(a, g.transpose(b, [1, 0])), b),
  (g, a, b) => g.concat([g.slice(a, 1, 0, 2), g.slice(b, 1, 1, 2)], 1),
  (g, a) => g.sub(a, g.reduceMean(a, [1])),
  (g, a, b) => g.mul(a, g.reduceSum(b, [0])),
  (g, a) => g.transpose(g.reshape(a, [3, 2]), [1, 0]),
];

test("random compositions agree with central differences", async () => {
  const step = fc.record({ step: fc.nat(steps.length - 1), a: fc.nat(99), b: fc.nat(99) });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 8 }), async (program) => {
      const error = await gradientError({
        inputs: [normal([2, 3], 1), uniform([2, 3], 2, -1, 1)],
        dtype: "float64",
        step: 1e-3,
        build(g, operands) {
          const values = [...operands];
          for (const { step, a, b } of program)
            values.push(steps[step]!(g, values[a % values.length]!, values[b % values.length]!));
          return values.slice(2).slice(-2);
        },
      });
      // Products of products are steep: h⁴ times a large fifth derivative.
      expect(error).toBeLessThan(1e-5);
    }),
    { seed: 5, numRuns: 40 },
  );
});

describe("a transformer block agrees with central differences", () => {
  const [tokens, d, heads] = [3, 4, 2];
  const shapes = [[2, tokens, d], [d], [d], [d, 3 * d], [3 * d], [d, d], [d], [d], [d, 2 * d], [2 * d], [2 * d, d]];

  function block(g: Builder, operands: readonly Value[], order: "pre-norm" | "post-norm", gelu: boolean): Value {
    const [x, scale1, bias1, wqkv, bqkv, wo, scale2, bias2, up, bup, down] = operands as Value[];
    const norm = (x: Value, scale: Value, bias: Value) =>
      g.op("LayerNormalization", [x, scale, bias], { axis: int(-1), epsilon: float(1e-5) });
    const attention = (x: Value) => {
      const parts = g.split(g.add(g.matmul(x, wqkv!), bqkv!), 2, [d, d, d]);
      const [q, k, v] = parts.map((part) => g.transpose(g.reshape(part, [2, tokens, heads, d / heads]), [0, 2, 1, 3]));
      const scores = g.mul(g.matmul(q!, g.transpose(k!, [0, 1, 3, 2])), g.scalar(1 / Math.sqrt(d / heads), x.dtype));
      const mixed = g.transpose(g.matmul(g.softmax(scores), v!), [0, 2, 1, 3]);
      return g.matmul(g.reshape(mixed, [2, tokens, d]), wo!);
    };
    const mlp = (x: Value) => {
      const inner = g.add(g.matmul(x, up!), bup!);
      return g.matmul(gelu ? g.gelu(inner) : g.tanh(inner), down!);
    };
    if (order === "pre-norm") {
      const y = g.add(x!, attention(norm(x!, scale1!, bias1!)));
      return g.add(y, mlp(norm(y, scale2!, bias2!)));
    }
    const y = norm(g.add(x!, attention(x!)), scale1!, bias1!);
    return norm(g.add(y, mlp(y)), scale2!, bias2!);
  }

  test.each([
    { order: "pre-norm", dtype: "float64", step: 1e-3, tolerance: 1e-7 },
    { order: "post-norm", dtype: "float64", step: 1e-3, tolerance: 1e-7 },
    // With the fused Gelu, which exists in float32 only: the forward's own rounding, 1e-6 / step, is the limit.
    { order: "pre-norm", dtype: "float32", step: 0.02, tolerance: 1e-3 },
    { order: "post-norm", dtype: "float32", step: 0.02, tolerance: 1e-3 },
  ] as const)("$order, $dtype", async ({ order, dtype, step, tolerance }) => {
    const error = await gradientError({
      inputs: shapes.map((shape, k) => normal(shape, k)),
      dtype,
      step,
      build: (g, operands) => [block(g, operands, order, dtype === "float32")],
    });
    expect(error).toBeLessThan(tolerance);
  });
});
