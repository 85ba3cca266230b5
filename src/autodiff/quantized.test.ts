import { describe, expect, test } from "vitest";
import { run } from "../../test/support/gradient-error.ts";
import { random } from "../base/index.ts";
import { type Attributes, type Builder, createBuilder, int, prune, tensorOf, type Value } from "../graph/index.ts";
import type { HostTensor } from "../runtime/index.ts";
import { differentiate } from "./differentiate.ts";

const [M, K, N] = [4, 6, 5];
const stream = random(9);
const normals = (count: number) => Array.from({ length: count }, () => stream.normal());
const wholes = (count: number, low: number, high: number) =>
  Array.from({ length: count }, () => low + stream.int(high - low + 1));
const x = normals(M * K);
const weigh = normals(M * N);

interface Quantised {
  readonly name: string;
  /** The quantised product of h, [M, K]. */
  readonly build: (g: Builder, h: Value) => Value;
  /** What its weights stand for, row-major [K, N]. */
  readonly weights: readonly number[];
}

const byte = (dtype: "int8" | "uint8", shape: readonly number[], values: readonly number[]) => (g: Builder) =>
  g.constant(tensorOf(dtype, shape, values));
const floats = (shape: readonly number[], values: readonly number[]) => (g: Builder) =>
  g.constant(tensorOf("float32", shape, values));
const contrib = (g: Builder, op: string, inputs: readonly (Value | undefined)[], attributes: Attributes = {}) =>
  g.refine(g.op(op, inputs, attributes, { domain: "com.microsoft" }), { dtype: "float32", shape: [M, N] });

const w = wholes(K * N, -90, 110);
const u = wholes(K * N, 0, 255);
const scales = Array.from({ length: N }, () => stream.uniform(0.004, 0.02));
const zeros = wholes(N, -9, 9);

const perColumn = w.map((q, k) => (q - zeros[k % N]!) * scales[k % N]!);
const plain = u.map((q) => (q - 120) * 0.01);

/** DynamicQuantizeLinear, MatMulInteger, Cast and Mul, as `quantize_dynamic` writes them. */
function dynamic(g: Builder, h: Value, weights: Value, zero: Value | undefined, scale: Value): Value {
  const [q, s, z] = g.ops("DynamicQuantizeLinear", [h], 3);
  return g.mul(g.cast(g.op("MatMulInteger", [q, weights, z, zero]), "float32"), g.mul(s!, scale));
}

/** Rows of `columns` numbers of a few bits, lowest first, each row from a byte of its own: how MatMulNBits packs. */
function pack(numbers: readonly number[], columns: number, bits: number): number[] {
  const bytes: number[] = [];
  for (let row = 0; row < numbers.length / columns; row++)
    for (let k = 0; k < columns; k += 8 / bits)
      bytes.push(
        Array.from({ length: 8 / bits }, (_, j) =>
          k + j < columns ? numbers[row * columns + k + j]! << (bits * j) : 0,
        ).reduce((a, b) => a | b, 0),
      );
  return bytes;
}

/** W [N, K] in blocks of 16 along K = 6 (one block, mostly padding). */
function blocks(bits: 2 | 4 | 8, zero: "none" | "whole" | "float"): Quantised {
  const block = 16;
  const q = wholes(N * block, 0, 2 ** bits - 1);
  const z = zero === "none" ? new Array<number>(N).fill(2 ** (bits - 1)) : wholes(N, 0, 2 ** bits - 1);
  const zeroPoints = (g: Builder) => {
    if (zero === "none") return undefined;
    const given = z.map((value) => value + (zero === "float" ? 0.25 : 0));
    return zero === "float" ? floats([N], given)(g) : byte("uint8", [N * Math.ceil(bits / 8)], pack(z, 1, bits))(g);
  };
  return {
    name: `MatMulNBits, ${bits} bits, zero points: ${zero}`,
    build: (g, h) =>
      contrib(
        g,
        "MatMulNBits",
        [h, byte("uint8", [N, 1, (block * bits) / 8], pack(q, block, bits))(g), floats([N], scales)(g), zeroPoints(g)],
        { N: int(N), K: int(K), bits: int(bits), block_size: int(block) },
      ),
    weights: Array.from({ length: K * N }, (_, at) => {
      const [k, n] = [Math.floor(at / N), at % N];
      return (q[n * block + k]! - z[n]! - (zero === "float" ? 0.25 : 0)) * scales[n]!;
    }),
  };
}

const forms: readonly Quantised[] = [
  {
    name: "dynamic, one scale",
    build: (g, h) => dynamic(g, h, byte("uint8", [K, N], u)(g), byte("uint8", [], [120])(g), g.scalar(0.01)),
    weights: plain,
  },
  {
    name: "dynamic, a scale for each column",
    build: (g, h) => dynamic(g, h, byte("int8", [K, N], w)(g), byte("int8", [N], zeros)(g), floats([N], scales)(g)),
    weights: perColumn,
  },
  {
    name: "dynamic, no zero point",
    build: (g, h) => dynamic(g, h, byte("int8", [K, N], w)(g), undefined, g.scalar(0.02)),
    weights: w.map((q) => q * 0.02),
  },
  {
    name: "dynamic, whole activations reshaped and transposed",
    build(g, h) {
      const [q, s, z] = g.ops("DynamicQuantizeLinear", [g.transpose(h, [1, 0])], 3);
      const rows = g.reshape(g.transpose(q!, [1, 0]), [2, M / 2, K]);
      const product = g.op("MatMulInteger", [rows, byte("uint8", [K, N], u)(g), z, byte("uint8", [], [120])(g)]);
      return g.mul(g.cast(g.reshape(product, [M, N]), "float32"), g.mul(s!, g.scalar(0.01)));
    },
    weights: plain,
  },
  {
    name: "QDQ pairs, a scale for each column",
    build(g, h) {
      const [s, z] = [g.scalar(0.02), byte("uint8", [], [128])(g)];
      const activation = g.op("DequantizeLinear", [g.op("QuantizeLinear", [h, s, z]), s, z]);
      const weights = [byte("int8", [K, N], w)(g), floats([N], scales)(g), byte("int8", [N], zeros)(g)];
      return g.matmul(activation, g.op("DequantizeLinear", weights, { axis: int(1) }));
    },
    weights: perColumn,
  },
  {
    name: "QDQ pairs of com.microsoft",
    build(g, h) {
      const [s, z] = [g.scalar(0.02), byte("uint8", [], [128])(g)];
      const options = { domain: "com.microsoft" };
      const q = g.refine(g.op("QuantizeLinear", [h, s, z], {}, options), { dtype: "uint8", shape: [M, K] });
      const activation = g.refine(g.op("DequantizeLinear", [q, s, z], {}, options), {
        dtype: "float32",
        shape: [M, K],
      });
      return g.matmul(activation, floats([K, N], plain)(g));
    },
    weights: plain,
  },
  {
    name: "QLinearMatMul",
    build(g, h) {
      const [s, z] = [g.scalar(0.02), byte("uint8", [], [128])(g)];
      const [ys, yz] = [g.scalar(0.3), byte("uint8", [], [117])(g)];
      const weights = [byte("uint8", [K, N], u)(g), g.scalar(0.01), byte("uint8", [], [120])(g)];
      const inputs = [g.op("QuantizeLinear", [h, s, z]), s, z, ...weights, ys, yz];
      const product = g.refine(g.op("QLinearMatMul", inputs), { dtype: "uint8", shape: [M, N] });
      return g.op("DequantizeLinear", [product, ys, yz]);
    },
    weights: plain,
  },
  {
    name: "DynamicQuantizeMatMul, a scale for each column, bias",
    build: (g, h) =>
      contrib(g, "DynamicQuantizeMatMul", [
        h,
        byte("int8", [K, N], w)(g),
        floats([N], scales)(g),
        byte("int8", [N], zeros)(g),
        floats([N], scales)(g),
      ]),
    weights: perColumn,
  },
  {
    name: "DynamicQuantizeMatMul, no zero point",
    build: (g, h) => contrib(g, "DynamicQuantizeMatMul", [h, byte("int8", [K, N], w)(g), floats([1], [0.02])(g)]),
    weights: w.map((q) => q * 0.02),
  },
  {
    name: "MatMulIntegerToFloat",
    build(g, h) {
      const [q, s, z] = g.ops("DynamicQuantizeLinear", [h], 3);
      const weights = [byte("int8", [K, N], w)(g), s, floats([N], scales)(g), z, byte("int8", [N], zeros)(g)];
      return contrib(g, "MatMulIntegerToFloat", [q, ...weights, floats([N], scales)(g)]);
    },
    weights: perColumn,
  },
  ...([2, 4, 8] as const).flatMap((bits) => [blocks(bits, "none"), blocks(bits, "whole")]),
  blocks(4, "float"),
];

const host = (shape: readonly number[], values: readonly number[]): HostTensor => ({
  dtype: "float32",
  shape,
  data: Float32Array.from(values),
});

/** d/dx of Σ weigh · tanh(product(tanh x)), the product's value, and tanh x. */
async function gradient(product: (g: Builder, h: Value) => Value, feeds: Record<string, HostTensor> = {}) {
  const g = createBuilder();
  const input = g.input("x", "float32", [M, K]);
  const h = g.tanh(input);
  const y = product(g, h);
  const loss = g.reduceSum(g.mul(g.tanh(y), floats([M, N], weigh)(g)), [0, 1], false);
  const [dx] = differentiate(g, loss, [input]);
  const graph = prune(g.toGraph([dx!.name, y.name, h.name]));
  const results = await run(graph, { x: host([M, K], x), ...feeds });
  const numbers = (value: Value) => Array.from(results[value.name]!.data as Float32Array);
  return { dx: numbers(dx!), y: numbers(y), h: numbers(h) };
}

const relative = (a: readonly number[], b: readonly number[]) =>
  Math.max(...a.map((value, k) => Math.abs(value - b[k]!))) / Math.max(...b.map(Math.abs));

const product = (a: readonly number[], b: readonly number[], inner: number, columns: number) =>
  Array.from({ length: (a.length / inner) * columns }, (_, at) => {
    const [row, column] = [Math.floor(at / columns), at % columns];
    return Array.from({ length: inner }, (_, k) => a[row * inner + k]! * b[k * columns + column]!).reduce(
      (s, v) => s + v,
    );
  });

describe("the gradient is that of the dequantised float product at the same activations", () => {
  test.each(forms)("$name", async ({ build, weights }) => {
    const quantised = await gradient(build);
    // The float product plus what quantising changed, held constant: the same values, and an ordinary gradient.
    const change = product(quantised.h, weights, K, N).map((value, k) => quantised.y[k]! - value);
    const twin = await gradient(
      (g, h) => g.add(g.matmul(h, floats([K, N], weights)(g)), g.input("change", "float32", [M, N])),
      { change: host([M, N], change) },
    );
    expect(relative(twin.y, quantised.y)).toBeLessThan(1e-5);
    expect(relative(quantised.dx, twin.dx)).toBeLessThan(1e-5);
    expect(Math.max(...quantised.dx.map(Math.abs))).toBeGreaterThan(1e-2);
  });

  test("also where both operands are activations, each at the other's quantised value", async () => {
    // Attention scores: y = q(h) q(h')ᵀ with h' = 3h. What a value quantises to: DynamicQuantizeLinear and back.
    const weighed = normals(M * M);
    const scores = async (build: (g: Builder, h: Value, wide: Value) => Value) => {
      const g = createBuilder();
      const input = g.input("x", "float32", [M, K]);
      const h = g.tanh(input);
      const wide = g.mul(h, g.scalar(3));
      const loss = g.reduceSum(g.mul(build(g, h, wide), floats([M, M], weighed)(g)), [0, 1], false);
      const [dx] = differentiate(g, loss, [input]);
      const back = [h, wide].map((value) => g.op("DequantizeLinear", [...g.ops("DynamicQuantizeLinear", [value], 3)]));
      const results = await run(prune(g.toGraph([dx!.name, ...back.map(({ name }) => name)])), { x: host([M, K], x) });
      return [dx!, ...back].map(({ name }) => Array.from(results[name]!.data as Float32Array));
    };
    const [dx, a, b] = await scores((g, h, wide) => {
      const [p, ps, pz] = g.ops("DynamicQuantizeLinear", [h], 3);
      const [q, qs, qz] = g.ops("DynamicQuantizeLinear", [wide], 3);
      const whole = g.op("MatMulInteger", [p, g.transpose(q!, [1, 0]), pz, qz]);
      return g.mul(g.cast(whole, "float32"), g.mul(ps!, qs!));
    });
    const [expected] = await scores((g, h, wide) =>
      g.add(
        g.matmul(h, g.transpose(floats([M, K], b!)(g), [1, 0])),
        g.matmul(floats([M, K], a!)(g), g.transpose(wide, [1, 0])),
      ),
    );
    expect(relative(dx!, expected!)).toBeLessThan(1e-5);
  });
});

test("the weights of the float view keep the size they have in the file", () => {
  const g = createBuilder();
  const input = g.input("x", "float32", [2, 512]);
  const weights = g.constant(tensorOf("int8", [512, 512], new Int8Array(512 * 512)));
  const y = dynamic(g, input, weights, undefined, g.scalar(0.1));
  const [dx] = differentiate(g, g.reduceSum(y, [0, 1], false), [input]);
  const { nodes, initializers } = prune(g.toGraph([dx!.name]));
  expect(nodes.filter(({ op, inputs }) => op === "Cast" && inputs[0] === weights.name)).toEqual([]);
  expect([...initializers.values()].reduce((sum, { bytes }) => sum + bytes.length, 0)).toBeLessThan(512 * 512 + 5000);
});

describe("what has no straight-through gradient is refused by name", () => {
  test("a scale that is differentiated", () => {
    const g = createBuilder();
    const [h, s] = [g.input("h", "float32", [2]), g.input("s", "float32", [])];
    const y = g.op("DequantizeLinear", [g.op("QuantizeLinear", [h, s]), s]);
    expect(() => differentiate(g, g.reduceSum(y, [0], false), [s])).toThrow(/^DequantizeLinear.*operand 1/);
  });

  test("whole numbers that no quantiser made", () => {
    const g = createBuilder();
    const h = g.input("h", "float32", [2, 2]);
    const whole = g.cast(g.cast(h, "int8"), "float32");
    const [dh] = differentiate(g, g.reduceSum(whole, [0, 1], false), [h]);
    expect(g.nodes().find(({ outputs }) => outputs[0] === dh!.name)?.op).toBe("ConstantOfShape");
  });

  test("4-bit columns in another order", () => {
    const g = createBuilder();
    const h = g.input("h", "float32", [M, 16]);
    const y = contrib(
      g,
      "MatMulNBits",
      [h, byte("uint8", [N, 1, 8], new Array(N * 8).fill(0))(g), floats([N], scales)(g), undefined, h],
      { N: int(N), K: int(16), bits: int(4), block_size: int(16) },
    );
    expect(() => differentiate(g, g.reduceSum(y, [0, 1], false), [g.value("h")])).toThrow(
      /com\.microsoft\.MatMulNBits/,
    );
  });
});
