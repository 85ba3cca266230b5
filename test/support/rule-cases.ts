import type { rules } from "../../src/autodiff/index.ts";
import { random } from "../../src/base/index.ts";
import { type Attributes, float, int, ints, string } from "../../src/graph/index.ts";
import { booleans, distinct, fedIntegers, integers, normal, type Operand, uniform } from "./gradient-error.ts";

/** One call of an operator. Floating-point operands are differentiated, the rest is fed or constant. */
export interface RuleCase {
  readonly name?: string;
  /** undefined leaves an optional operand out. */
  readonly inputs: readonly (Operand | undefined)[];
  readonly attributes?: Attributes;
  /** Number of outputs; default 1. */
  readonly outputs?: number;
}

/** Operators whose kernels exist in float32 only. */
export const FLOAT32_ONLY = new Set(
  "AveragePool Conv Erf Gelu GlobalAveragePool Elu Selu HardSigmoid HardSwish LeakyRelu Softsign InstanceNormalization Mean Mish PRelu Softplus".split(
    " ",
  ),
);

/** Shapes that broadcast against [2, 3, 4]: scalars, leading and inner axes, both ways, and seeded random ones. */
const broadcasts: readonly (readonly [readonly number[], readonly number[]])[] = [
  [
    [2, 3],
    [2, 3],
  ],
  [[2, 3, 4], []],
  [[], [2, 3]],
  [[2, 3, 4], [4]],
  [
    [3, 1],
    [2, 3, 4],
  ],
  [
    [2, 1, 4],
    [3, 1],
  ],
  [[1, 1], [1]],
  ...[1, 2, 3].map((seed) => randomBroadcast(seed)),
];

function randomBroadcast(seed: number): readonly [number[], number[]] {
  const stream = random(seed);
  const full = Array.from({ length: 1 + stream.int(4) }, () => 1 + stream.int(3));
  const shrink = () => full.map((dim) => (stream.next() < 0.4 ? 1 : dim)).slice(stream.int(full.length));
  return [shrink(), full];
}

const pairs = (make: (shape: readonly number[], seed: number) => Operand, second = make): RuleCase[] =>
  broadcasts.map(([x, y]) => ({ name: `[${x}] with [${y}]`, inputs: [make(x, 1), second(y, 2)] }));

/** A function of one operand, on a few shapes up to a seeded random one. */
const elementwise = (make: (shape: readonly number[], seed: number) => Operand, attributes?: Attributes): RuleCase[] =>
  [[], [5], [2, 3], randomBroadcast(4)[1]].map((shape, k) => ({
    inputs: [make(shape, k)],
    ...(attributes && { attributes }),
  }));

const away =
  (...kinks: number[]) =>
  (shape: readonly number[], seed: number) =>
    normal(shape, seed, kinks);
const positive = (shape: readonly number[], seed: number) => uniform(shape, seed, 0.5, 2);
const awayFromZero = away(0);

const reductions = (make: (shape: readonly number[], seed: number) => Operand): RuleCase[] => [
  { name: "all axes", inputs: [make([2, 3], 1)] },
  { name: "all axes, dropped", inputs: [make([2, 3], 1)], attributes: { keepdims: int(0) } },
  { name: "last axis", inputs: [make([2, 3, 2], 2), integers([-1])] },
  { name: "outer axes, dropped", inputs: [make([2, 3, 2], 3), integers([0, 1])], attributes: { keepdims: int(0) } },
  { name: "inner axis, dropped", inputs: [make([2, 3, 2], 4), integers([-2])], attributes: { keepdims: int(0) } },
  { name: "no axis", inputs: [make([2, 3], 5)], attributes: { noop_with_empty_axes: int(1) } },
];

const softmaxes: RuleCase[] = [
  { inputs: [normal([2, 5], 1)] },
  { inputs: [normal([2, 3, 4], 2)], attributes: { axis: int(1) } },
  { inputs: [normal([3, 2], 3)], attributes: { axis: int(-2) } },
  { inputs: [normal([2, 2, 3, 3], 4)], attributes: { axis: int(-1) } },
];

export const ruleCases: Record<keyof typeof rules, readonly RuleCase[]> = {
  Abs: elementwise(awayFromZero),
  Add: pairs(normal),
  Cast: [{ inputs: [normal([2, 3], 1)], attributes: { to: int(11) } }],
  Ceil: elementwise(away(-3, -2, -1, 0, 1, 2, 3)),
  AveragePool: [
    { inputs: [normal([2, 2, 4, 4], 1)], attributes: { kernel_shape: ints([2, 2]), strides: ints([2, 2]) } },
    { name: "overlap", inputs: [normal([1, 2, 5, 4], 1)], attributes: { kernel_shape: ints([3, 2]) } },
    {
      name: "padding not counted",
      inputs: [normal([1, 1, 4, 5], 1)],
      attributes: { kernel_shape: ints([3, 3]), pads: ints([1, 1, 1, 0]), strides: ints([2, 1]) },
    },
    {
      name: "padding counted",
      inputs: [normal([1, 1, 4, 4], 1)],
      attributes: { kernel_shape: ints([3, 3]), pads: ints([1, 1, 1, 1]), count_include_pad: int(1) },
    },
    {
      name: "same size, rest behind",
      inputs: [normal([1, 2, 5], 1)],
      attributes: { kernel_shape: ints([2]), strides: ints([2]), auto_pad: string("SAME_UPPER") },
    },
  ],
  BatchNormalization: [
    { inputs: [normal([2, 3, 2, 2], 1), normal([3], 2), normal([3], 3), ...frozen([3])] },
    {
      inputs: [normal([4, 3], 1), normal([3], 2), normal([3], 3), ...frozen([3])],
      attributes: { epsilon: float(0.1) },
    },
  ],
  Clip: [
    { name: "both bounds", inputs: [away(-0.5, 0.7)([3, 4], 1), scalar(-0.5), scalar(0.7)] },
    { name: "from below", inputs: [away(-0.5)([3, 4], 2), scalar(-0.5)] },
    { name: "from above", inputs: [away(0.7)([3, 4], 3), undefined, scalar(0.7)] },
    { name: "no bound", inputs: [normal([3], 4)] },
  ],
  Concat: [
    { inputs: [normal([2, 3], 1), normal([2, 1], 2), normal([2, 2], 3)], attributes: { axis: int(-1) } },
    { inputs: [normal([1, 2, 2], 1), normal([3, 2, 2], 2)], attributes: { axis: int(0) } },
    { name: "one part constant", inputs: [constant([2, 2], 1), normal([2, 3], 2)], attributes: { axis: int(1) } },
  ],
  Conv: [
    {
      name: "patches",
      inputs: [normal([2, 2, 4, 6], 1), normal([3, 2, 2, 3], 2), normal([3], 3)],
      attributes: conv({ strides: [2, 3] }),
    },
    {
      name: "patches, pixels left over",
      inputs: [normal([1, 2, 5, 5], 1), normal([2, 2, 2, 2], 2)],
      attributes: conv({ strides: [2, 2] }),
    },
    { name: "one dimension", inputs: [normal([2, 2, 6], 1), normal([3, 2, 3], 2)], attributes: conv({ pads: [1, 1] }) },
    { name: "1 × 1", inputs: [normal([2, 3, 2, 2], 1), normal([2, 3, 1, 1], 2), normal([2], 3)] },
    {
      name: "uneven padding and strides",
      inputs: [normal([2, 2, 5, 6], 1), normal([2, 2, 3, 2], 2), normal([2], 3)],
      attributes: conv({ pads: [1, 0, 0, 1], strides: [2, 3] }),
    },
    {
      name: "dilation",
      inputs: [normal([1, 2, 6, 5], 1), normal([2, 2, 2, 2], 2)],
      attributes: conv({ dilations: [2, 3] }),
    },
    { name: "groups", inputs: [normal([2, 4, 3, 3], 1), normal([6, 2, 2, 2], 2)], attributes: { group: int(2) } },
    {
      name: "depthwise",
      inputs: [normal([2, 3, 4, 4], 1), normal([3, 1, 3, 3], 2)],
      attributes: { ...conv({ pads: [1, 1, 1, 1] }), group: int(3) },
    },
    ...["SAME_UPPER", "SAME_LOWER", "VALID"].map((auto) => ({
      name: auto,
      inputs: [normal([1, 2, 5, 4], 1), normal([2, 2, 2, 3], 2)],
      attributes: { ...conv({ strides: [2, 1] }), auto_pad: string(auto) },
    })),
    {
      name: "three dimensions",
      inputs: [normal([1, 1, 4, 2, 2], 1), normal([2, 1, 2, 1, 2], 2)],
      attributes: conv({ strides: [2, 1, 2] }),
    },
  ],
  Cos: elementwise(normal),
  CumSum: [0, 1].flatMap((reverse) =>
    [0, 1].map((exclusive) => ({
      inputs: [normal([2, 4], 1), integers([reverse ? 0 : -1], [])],
      attributes: { reverse: int(reverse), exclusive: int(exclusive) },
    })),
  ),
  Div: pairs(normal, positive),
  Dropout: [{ inputs: [normal([2, 3], 1)] }],
  Einsum: [
    ["ij,jk->ik", [2, 3], [3, 4]],
    ["bhid,bhjd->bhij", [2, 2, 3, 2], [2, 2, 4, 2]],
    ["bij,jk", [2, 3, 2], [2, 2]],
    ["i,j->ij", [2], [3]],
    ["ij->ji", [2, 3]],
    ["ij,k->k", [2, 3], [2]],
    ["bi,ij,bj->b", [2, 3], [3, 2], [2, 2]],
  ].map(([equation, ...shapes]) => ({
    name: equation as string,
    inputs: (shapes as number[][]).map((shape, k) => normal(shape, k)),
    attributes: { equation: string(equation as string) },
  })),
  Elu: [...elementwise(awayFromZero), { inputs: [awayFromZero([2, 3], 1)], attributes: { alpha: float(0.5) } }],
  Erf: elementwise(normal),
  Exp: elementwise(normal),
  Expand: [
    { inputs: [normal([3, 1], 1), integers([2, 3, 4])] },
    { inputs: [normal([], 1), integers([2, 2])] },
    { name: "to fewer dimensions", inputs: [normal([2, 1, 3], 1), integers([2, 1])] },
  ],
  Flatten: [{ inputs: [normal([2, 3, 2], 1)], attributes: { axis: int(2) } }],
  Floor: elementwise(away(-3, -2, -1, 0, 1, 2, 3)),
  Gather: [
    { name: "one row", inputs: [normal([2, 4, 3], 1), integers([0], [])], attributes: { axis: int(1) } },
    { name: "last row", inputs: [normal([2, 4, 3], 1), integers([-1], [])], attributes: { axis: int(1) } },
    { name: "different rows", inputs: [normal([5, 2], 1), integers([3, 0, 4])] },
    { name: "repeated rows", inputs: [normal([5, 2], 1), integers([3, 0, 3, -2], [2, 2])] },
    { name: "rows fed", inputs: [normal([4, 3], 1), fedIntegers([1, 1, -1, 0, 2, 1], [2, 3])] },
    {
      name: "rows fed, inner axis",
      inputs: [normal([2, 4, 3], 1), fedIntegers([1, 1, -1])],
      attributes: { axis: int(-2) },
    },
  ],
  GatherElements: [
    { inputs: [normal([3, 2], 1), fedIntegers([0, 1, 1, 0], [2, 2])], attributes: { axis: int(1) } },
    { inputs: [normal([3, 2], 2), fedIntegers([0, -1, 0, 1, 2, 2], [3, 2])] },
  ],
  GatherND: [
    { inputs: [normal([3, 4], 1), fedIntegers([0, 1, 2, 3, 0, 1], [3, 2])] },
    { inputs: [normal([3, 2, 2], 1), fedIntegers([2, 0, 2], [3, 1])] },
  ],
  Gelu: [...elementwise(normal), ...elementwise(normal, { approximate: string("tanh") })],
  Gemm: [
    { inputs: [normal([2, 3], 1), normal([3, 4], 2)] },
    { inputs: [normal([2, 3], 1), normal([3, 4], 2), normal([4], 3)] },
    {
      inputs: [normal([3, 2], 1), normal([4, 3], 2), normal([2, 1], 3)],
      attributes: { transA: int(1), transB: int(1), alpha: float(0.5), beta: float(2) },
    },
    { inputs: [normal([2, 3], 1), normal([4, 3], 2), normal([], 3)], attributes: { transB: int(1) } },
  ],
  GlobalAveragePool: [{ inputs: [normal([2, 3, 2, 4], 1)] }],
  HardSigmoid: [
    ...elementwise(away(-2.5, 2.5)),
    { inputs: [away(-1, 1)([3, 4], 1)], attributes: { alpha: float(0.5), beta: float(0.5) } },
  ],
  HardSwish: elementwise((shape, seed) => scaled(away(-1, 1)(shape, seed), 3)),
  Identity: elementwise(normal),
  InstanceNormalization: [{ inputs: [normal([2, 3, 2, 4], 1), normal([3], 2), normal([3], 3)] }],
  LayerNormalization: [
    { name: "with bias", inputs: [normal([2, 3, 5], 1), normal([5], 2), normal([5], 3)] },
    { name: "without bias", inputs: [normal([2, 5], 1), normal([5], 2)], attributes: { epsilon: float(0.01) } },
    {
      name: "over two axes",
      inputs: [normal([2, 3, 2], 1), normal([3, 2], 2), normal([3, 2], 3)],
      attributes: { axis: int(1) },
    },
    {
      name: "over two axes from the back",
      inputs: [normal([3, 2, 2], 1), normal([2, 2], 2)],
      attributes: { axis: int(-2) },
    },
    { name: "frozen scale", inputs: [normal([3, 6], 1), constant([6], 2), constant([6], 3)] },
  ],
  LeakyRelu: [...elementwise(awayFromZero), { inputs: [awayFromZero([2, 3], 1)], attributes: { alpha: float(0.3) } }],
  Log: elementwise(positive),
  LogSoftmax: softmaxes,
  MatMul: [
    [
      [2, 3],
      [3, 4],
    ],
    [
      [2, 4, 3],
      [3, 2],
    ],
    [
      [2, 2, 4, 3],
      [3, 2],
    ],
    [
      [2, 1, 2],
      [2, 512],
    ], // wide
    [
      [2, 4, 3],
      [2, 3, 5],
    ],
    [
      [2, 1, 2, 3],
      [3, 3, 2],
    ],
    [
      [4, 3],
      [2, 3, 2],
    ],
    [[3], [3]],
    [[3], [3, 2]],
    [[3], [2, 3, 4]],
    [[2, 3], [3]],
    [[2, 4, 3], [3]],
  ].map(([x, y]) => ({ name: `[${x}] by [${y}]`, inputs: [normal(x!, 1), normal(y!, 2)] })),
  Max: [
    ...broadcasts.slice(0, 5).map(([x, y]) => ({ inputs: spread([x, y]) })),
    { inputs: spread([[2, 3], [3], [2, 1]]) },
    { inputs: spread([[4]]) },
  ],
  Mean: [{ inputs: [normal([2, 3], 1), normal([3], 2), normal([], 3)] }, { inputs: [normal([2], 1)] }],
  Min: [
    ...broadcasts.slice(0, 5).map(([x, y]) => ({ inputs: spread([x, y]) })),
    { inputs: spread([[2, 3], [3], [2, 1], []]) },
  ],
  Mish: elementwise(normal),
  Mul: pairs(normal),
  Neg: elementwise(normal),
  Pad: [
    { inputs: [normal([2, 3], 1), integers([1, 0, 2, 1])] },
    { name: "some axes", inputs: [normal([2, 3, 2], 1), integers([1, 2]), undefined, integers([-2])] },
    { name: "cropping", inputs: [normal([4, 5], 1), integers([-1, 2, 1, -2])] },
  ],
  Pow: [
    ...pairs(positive),
    { name: "square", inputs: [normal([2, 3], 1), scalar(2)] },
    { name: "cube", inputs: [normal([2, 3], 1), scalar(3)] },
    { name: "root", inputs: [positive([2, 3], 1), scalar(0.5)] },
    { name: "inverse", inputs: [positive([2, 3], 1), scalar(-1)] },
    { name: "integer exponent", inputs: [awayFromZero([2, 3], 1), integers([3], [])] },
  ],
  PRelu: [
    { inputs: [awayFromZero([2, 3, 2], 1), normal([3, 1], 2)] },
    { inputs: [awayFromZero([2, 3], 1), normal([1], 2)] },
  ],
  Reciprocal: elementwise(positive),
  ReduceL1: reductions(awayFromZero),
  ReduceL2: reductions(normal),
  ReduceLogSumExp: reductions(normal),
  ReduceMax: reductions(distinct),
  ReduceMean: reductions(normal),
  ReduceMin: reductions(distinct),
  ReduceSum: reductions(normal),
  ReduceSumSquare: reductions(normal),
  Relu: elementwise(awayFromZero),
  Reshape: [
    { inputs: [normal([2, 3, 2], 1), integers([3, -1])] },
    { inputs: [normal([2, 3, 2], 1), integers([0, 0, 1, 2])] },
    { inputs: [normal([1], 1), integers([], [0])] },
  ],
  Round: elementwise(away(-2.5, -1.5, -0.5, 0.5, 1.5, 2.5)),
  ScatterElements: [
    { inputs: [normal([3, 3], 1), fedIntegers([0, 2, 1, 0], [2, 2]), normal([2, 2], 2)], attributes: { axis: int(1) } },
    {
      inputs: [normal([3, 2], 1), fedIntegers([0, 0, 0, -1], [2, 2]), normal([2, 2], 2)],
      attributes: { reduction: string("add") },
    },
  ],
  ScatterND: [
    { inputs: [normal([4, 2], 1), fedIntegers([3, 0], [2, 1]), normal([2, 2], 2)] },
    {
      inputs: [normal([4, 2], 1), fedIntegers([3, 3], [2, 1]), normal([2, 2], 2)],
      attributes: { reduction: string("add") },
    },
  ],
  Selu: elementwise(awayFromZero),
  Sigmoid: elementwise(normal),
  Sign: elementwise(awayFromZero),
  Sin: elementwise(normal),
  Slice: [
    { name: "one axis", inputs: [normal([4, 3], 1), integers([1]), integers([3])] },
    { name: "from the back", inputs: [normal([2, 5], 1), integers([-3]), integers([-1]), integers([-1])] },
    {
      name: "steps",
      inputs: [normal([5, 4], 1), integers([0, 1]), integers([5, 99]), integers([0, 1]), integers([2, 2])],
    },
    { name: "backwards", inputs: [normal([5], 1), integers([-1]), integers([-99]), integers([0]), integers([-1])] },
    {
      name: "backwards in twos",
      inputs: [normal([6, 2], 1), integers([4]), integers([0]), integers([0]), integers([-2])],
    },
    { name: "to the end of time", inputs: [normal([4, 2], 1), integers([2]), integers([2 ** 53]), integers([0])] },
  ],
  Softmax: softmaxes,
  Softplus: elementwise(normal),
  Softsign: elementwise(awayFromZero),
  Split: [
    { inputs: [normal([2, 6], 1), integers([1, 2, 3])], attributes: { axis: int(-1) }, outputs: 3 },
    { inputs: [normal([4, 2], 1)], attributes: { num_outputs: int(2) }, outputs: 2 },
    { name: "uneven", inputs: [normal([5, 2], 1)], attributes: { num_outputs: int(3) }, outputs: 3 },
  ],
  Sqrt: elementwise(positive),
  Squeeze: [{ inputs: [normal([2, 1, 3, 1], 1), integers([1, -1])] }, { inputs: [normal([1, 3, 1], 1)] }],
  Sub: pairs(normal),
  Sum: [{ inputs: [normal([2, 3], 1), normal([3], 2), normal([], 3)] }, { inputs: [normal([2], 1)] }],
  Tanh: elementwise(normal),
  Tile: [{ inputs: [normal([2, 3], 1), integers([2, 1])] }, { inputs: [normal([2, 1, 2], 1), integers([1, 3, 2])] }],
  Transpose: [
    { inputs: [normal([2, 3, 4], 1)], attributes: { perm: ints([1, 2, 0]) } },
    { name: "reversed", inputs: [normal([2, 3, 2], 1)] },
    { inputs: [normal([2, 3, 2, 2], 1)], attributes: { perm: ints([0, 2, 1, 3]) } },
  ],
  Trilu: [
    { inputs: [normal([3, 4], 1)] },
    { inputs: [normal([2, 3, 3], 1), integers([-1], [])], attributes: { upper: int(0) } },
  ],
  Unsqueeze: [{ inputs: [normal([2, 3], 1), integers([0, -1])] }],
  Where: [
    { inputs: [booleans([1, 0, 0, 1, 1, 0], [2, 3]), normal([2, 3], 1), normal([2, 3], 2)] },
    { name: "broadcast", inputs: [booleans([1, 0, 1], [3]), normal([2, 1, 1], 1), normal([2, 3], 2)] },
    { name: "by a scalar", inputs: [booleans([1, 0], [2, 1]), normal([2, 3], 1), scalar(-100)] },
  ],
};

/** Statistics, which batch normalisation has as constants. */
function frozen(shape: readonly number[]): readonly Operand[] {
  return [normal(shape, 7), positive(shape, 8)].map(asConstant);
}

function constant(shape: readonly number[], seed: number): Operand {
  return asConstant(normal(shape, seed));
}

function conv(given: Record<string, readonly number[]>): Attributes {
  return Object.fromEntries(Object.entries(given).map(([name, values]) => [name, ints(values)]));
}

function scalar(value: number): Operand {
  return { kind: "constant", dtype: "float", shape: [], values: [value] };
}

function asConstant({ shape, values }: Operand): Operand {
  return { kind: "constant", dtype: "float", shape, values };
}

function scaled(operand: Operand, factor: number): Operand {
  return { ...operand, values: operand.values.map((x) => x * factor) };
}

/** Operands no two elements of which are near each other, so that no maximum changes hands within a step. */
function spread(shapes: readonly (readonly number[])[]): Operand[] {
  const sizes = shapes.map((shape) => shape.reduce((a, b) => a * b, 1));
  const all = distinct([sizes.reduce((a, b) => a + b, 0)], shapes.length).values;
  let start = 0;
  return shapes.map((shape, k) => {
    start += sizes[k]!;
    return { kind: "float", shape, values: all.slice(start - sizes[k]!, start) };
  });
}
