import type { Random } from "../../src/base/index.ts";
import type { rewrites } from "../../src/graph/decompose/rewrites.ts";
import { type Attributes, type DataType, float, int, ints, string } from "../../src/graph/index.ts";

/** Sizes drawn for each run. A head has 2 · `half` numbers. */
export interface Sizes {
  readonly batch: number;
  readonly tokens: number;
  readonly keys: number;
  readonly heads: number;
  readonly half: number;
}

export interface Operand {
  /** Fed operands are graph inputs, whose named sizes may be left open; weights are stored. */
  readonly kind: "fed" | "weight";
  readonly dtype: Exclude<DataType, "string">;
  readonly shape: readonly (number | "batch" | "tokens" | "keys")[];
  readonly draw: (stream: Random, k: number) => number;
}

/** One way to call a fused operator. */
export interface FusedCase {
  readonly name: string;
  readonly operands: (size: Sizes) => readonly (Operand | undefined)[];
  readonly attributes?: (size: Sizes) => Attributes;
  /** Number of outputs; default 1. */
  readonly outputs?: number;
  /** Outputs left out. */
  readonly skip?: readonly number[];
  /** Default 20, for ONNX's own operators 23. */
  readonly opset?: number;
  /** Largest difference from the runtime's kernel, as a share of the largest number; default 1e-5. */
  readonly tolerance?: number;
}

type Shape = Operand["shape"];
const fed = (...shape: Shape): Operand => ({ kind: "fed", dtype: "float32", shape, draw: (s) => s.normal() });
const weight = (...shape: Shape): Operand => ({ ...fed(...shape), kind: "weight" });
const whole = (shape: Shape, draw: Operand["draw"], dtype: Operand["dtype"] = "int32"): Operand => ({
  kind: "fed",
  dtype,
  shape,
  draw,
});
const bytes = (dtype: "int8" | "uint8", ...shape: Shape): Operand => ({
  kind: "weight",
  dtype,
  shape,
  draw: (s) => s.int(200) - (dtype === "int8" ? 100 : 0),
});
const given = (value: number, dtype: Operand["dtype"] = "float32"): Operand => ({
  kind: "weight",
  dtype,
  shape: [],
  draw: () => value,
});
/** 1 or 0, the first of each row 1. */
const visible = (...shape: Shape) => whole(shape, (s, k) => (k === 0 || s.next() < 0.7 ? 1 : 0));

const width = ({ heads, half }: Sizes) => 2 * heads * half;
const heads = ({ heads }: Sizes): Attributes => ({ num_heads: int(heads) });
const filter = { mask_filter_value: float(-50) };

/** input, weights, bias of Attention; without the bias, the runtime's kernel (1.30) ends the process */
const projected = (s: Sizes) => [fed("batch", "tokens", 5), weight(5, 3 * width(s)), weight(3 * width(s))];

const attention: readonly FusedCase[] = [
  { name: "plain", operands: projected, attributes: heads },
  {
    name: "scale, causal",
    operands: projected,
    attributes: (s) => ({ ...heads(s), scale: float(0.3), unidirectional: int(1) }),
  },
  { name: "mask of keys", operands: (s) => [...projected(s), visible("batch", "tokens")], attributes: heads },
  {
    name: "mask of keys, causal, filter value",
    operands: (s) => [...projected(s), visible("batch", "tokens")],
    attributes: (s) => ({ ...heads(s), ...filter, unidirectional: int(1) }),
  },
  {
    name: "mask of keys for each query",
    operands: (s) => [...projected(s), visible("batch", "tokens", "tokens")],
    attributes: (s) => ({ ...heads(s), ...filter }),
  },
  {
    name: "lengths",
    operands: (s) => [...projected(s), whole(["batch"], (r) => 1 + r.int(s.tokens))],
    attributes: (s) => ({ ...heads(s), ...filter }),
  },
  {
    name: "ends and starts",
    operands: (s) => [...projected(s), whole([2 * s.batch], (r, k) => (k < s.batch ? 1 + r.int(s.tokens) : r.int(2)))],
    attributes: (s) => ({ ...heads(s), ...filter }),
  },
  {
    name: "attention bias",
    operands: (s) => [...projected(s), undefined, undefined, fed(1, s.heads, "tokens", "tokens")],
    attributes: heads,
  },
  {
    name: "mask and attention bias for each example",
    operands: (s) => [
      ...projected(s),
      visible("batch", "tokens"),
      undefined,
      fed("batch", s.heads, "tokens", "tokens"),
    ],
    attributes: heads,
  },
  {
    name: "values of another width",
    operands: (s) => [
      fed("batch", "tokens", 5),
      weight(5, 2 * width(s) + 3 * s.heads),
      weight(2 * width(s) + 3 * s.heads),
    ],
    attributes: (s) => ({ ...heads(s), qkv_hidden_sizes: ints([width(s), width(s), 3 * s.heads]) }),
  },
];

const multiHead: readonly FusedCase[] = [
  {
    name: "self-attention with bias",
    operands: (s) => [...[0, 1, 2].map(() => fed("batch", "tokens", width(s))), weight(3 * width(s))],
    attributes: heads,
  },
  {
    name: "other keys, values of another width",
    operands: (s) => [
      fed("batch", "tokens", width(s)),
      fed("batch", "keys", width(s)),
      fed("batch", "keys", 3 * s.heads),
      weight(2 * width(s) + 3 * s.heads),
    ],
    attributes: heads,
  },
  {
    name: "mask of keys, filter value, scale",
    operands: (s) => [
      fed("batch", "tokens", width(s)),
      fed("batch", "keys", width(s)),
      fed("batch", "keys", width(s)),
      undefined,
      visible("batch", "keys"),
    ],
    attributes: (s) => ({ ...heads(s), ...filter, scale: float(0.2) }),
  },
  {
    name: "mask of keys for each query",
    operands: (s) => [
      ...[0, 1, 2].map(() => fed("batch", "tokens", width(s))),
      undefined,
      visible("batch", "tokens", "tokens"),
    ],
    attributes: heads,
  },
  {
    name: "lengths, causal",
    operands: (s) => [
      ...[0, 1, 2].map(() => fed("batch", "tokens", width(s))),
      undefined,
      whole(["batch"], (r) => 1 + r.int(s.tokens)),
    ],
    attributes: (s) => ({ ...heads(s), ...filter, unidirectional: int(1) }),
  },
  {
    name: "attention bias",
    operands: (s) => [
      ...[0, 1, 2].map(() => fed("batch", "tokens", width(s))),
      undefined,
      undefined,
      fed("batch", s.heads, "tokens", "tokens"),
    ],
    attributes: heads,
  },
  {
    name: "keys and values with heads in front",
    operands: (s) => [
      fed("batch", "tokens", width(s)),
      fed("batch", s.heads, "keys", 2 * s.half),
      fed("batch", s.heads, "keys", 2 * s.half),
    ],
    attributes: heads,
  },
  {
    name: "with keys and values to come",
    operands: (s) => [...[0, 1, 2].map(() => fed("batch", "tokens", width(s))), weight(3 * width(s))],
    attributes: heads,
    outputs: 3,
  },
];

const ownAttention: readonly FusedCase[] = [
  {
    name: "heads apart",
    operands: (s) => [
      fed("batch", s.heads, "tokens", 2 * s.half),
      fed("batch", s.heads, "keys", 2 * s.half),
      fed("batch", s.heads, "keys", 3),
    ],
  },
  {
    name: "heads joined, fewer of keys",
    operands: (s) => [
      fed("batch", "tokens", 2 * width(s)),
      fed("batch", "keys", width(s)),
      fed("batch", "keys", width(s)),
    ],
    attributes: (s) => ({ q_num_heads: int(2 * s.heads), kv_num_heads: int(s.heads), scale: float(0.4) }),
  },
  {
    name: "truth mask",
    operands: (s) => [
      ...[0, 1, 2].map(() => fed("batch", s.heads, "tokens", 2 * s.half)),
      whole(["tokens", "tokens"], (r, k) => (k % s.tokens === 0 || r.next() < 0.6 ? 1 : 0), "bool"),
    ],
  },
  {
    name: "float mask, causal",
    operands: (s) => [
      ...[0, 1, 2].map(() => fed("batch", s.heads, "tokens", 2 * s.half)),
      fed("batch", 1, "tokens", "tokens"),
    ],
    attributes: () => ({ is_causal: int(1) }),
  },
  {
    name: "soft cap",
    operands: (s) => [...[0, 1, 2].map(() => fed("batch", s.heads, "tokens", 2 * s.half)), fed("tokens", "tokens")],
    attributes: () => ({ softcap: float(0.8) }),
  },
];

const rows = (s: Sizes) => fed("batch", "tokens", width(s));
const row = (s: Sizes) => weight(width(s));

const rotary = (own: boolean): readonly FusedCase[] => {
  const tables = (pairs: number): Operand[] => [weight(9, pairs), weight(9, pairs)];
  const places = (shape: Shape) => whole(shape, (r) => r.int(9), "int64");
  const order = (x: Operand, at: Operand | undefined, cos: Operand, sin: Operand) =>
    own ? [x, cos, sin, at] : [x, at, cos, sin];
  const of = (s: Sizes, x: Operand, at: Operand, pairs = s.half) => order(x, at, tables(pairs)[0]!, tables(pairs)[1]!);
  return [
    {
      name: "heads apart",
      operands: (s) => of(s, fed("batch", s.heads, "tokens", 2 * s.half), places(["batch", "tokens"])),
    },
    {
      name: "heads joined, interleaved",
      operands: (s) => of(s, rows(s), places(["batch", "tokens"])),
      attributes: (s) => ({ num_heads: int(s.heads), interleaved: int(1) }),
    },
    {
      name: "a part of each head",
      operands: (s) => of(s, fed("batch", "tokens", s.heads * (2 * s.half + 3)), places(["batch", "tokens"])),
      attributes: (s) => ({ num_heads: int(s.heads), rotary_embedding_dim: int(2 * s.half) }),
    },
  ];
};

const product: readonly FusedCase[] = [
  {
    name: "alpha",
    operands: () => [fed("batch", "tokens", 3), weight(3, 4)],
    attributes: () => ({ alpha: float(0.5) }),
  },
  {
    name: "both transposed",
    operands: () => [fed("batch", 3, "tokens"), fed("batch", 4, 3)],
    attributes: () => ({ transA: int(1), transB: int(1) }),
  },
  {
    name: "batch axes moved",
    operands: () => [fed("tokens", "batch", 3), fed("batch", 3, 4)],
    attributes: () => ({ transBatchA: int(1) }),
  },
  {
    name: "batch axes moved, transposed",
    operands: () => [fed("batch", "tokens", 3), fed(4, "batch", 3)],
    attributes: () => ({ transBatchB: int(1), transB: int(1) }),
  },
];

type Cases = { readonly [D in keyof typeof rewrites]: Record<keyof (typeof rewrites)[D], readonly FusedCase[]> };

/** At least one call of every fused operator; one without does not compile. */
export const fusedCases: Cases = {
  "com.microsoft": {
    Attention: attention,
    QAttention: [
      {
        name: "zero points",
        operands: (s) => [
          { ...bytes("uint8", "batch", "tokens", 5), kind: "fed" },
          bytes("int8", 5, 3 * width(s)),
          weight(3 * width(s)),
          given(0.011),
          given(0.007),
          undefined,
          given(117, "uint8"),
          given(3, "int8"),
        ],
        attributes: heads,
      },
      {
        name: "mask of keys, no zero points",
        operands: (s) => [
          { ...bytes("uint8", "batch", "tokens", 5), kind: "fed" },
          bytes("int8", 5, 3 * width(s)),
          weight(3 * width(s)),
          given(0.004),
          given(0.006),
          visible("batch", "tokens"),
        ],
        attributes: heads,
      },
    ],
    MultiHeadAttention: multiHead,
    EmbedLayerNormalization: [
      {
        name: "segments and mask",
        operands: () => [
          whole(["batch", "tokens"], (r) => r.int(9)),
          whole(["batch", "tokens"], (r) => r.int(2)),
          weight(9, 5),
          weight(7, 5),
          weight(2, 5),
          weight(5),
          weight(5),
          visible("batch", "tokens"),
        ],
        outputs: 3,
        attributes: () => ({ epsilon: float(1e-5) }),
      },
      {
        name: "ids alone",
        operands: () => [
          whole(["batch", "tokens"], (r) => r.int(9)),
          undefined,
          weight(9, 5),
          weight(7, 5),
          undefined,
          weight(5),
          weight(5),
        ],
        outputs: 2,
      },
      {
        name: "positions given",
        operands: () => [
          whole(["batch", "tokens"], (r) => r.int(9)),
          undefined,
          weight(9, 5),
          weight(7, 5),
          undefined,
          weight(5),
          weight(5),
          undefined,
          whole(["batch", "tokens"], (r) => r.int(7)),
        ],
        outputs: 3,
        skip: [1],
      },
    ],
    Gelu: [{ name: "plain", operands: (s) => [rows(s)] }],
    BiasGelu: [{ name: "plain", operands: (s) => [rows(s), row(s)] }],
    FastGelu: [
      { name: "plain", operands: (s) => [rows(s)] },
      { name: "bias", operands: (s) => [rows(s), row(s)] },
    ],
    QuickGelu: [
      { name: "plain", operands: (s) => [rows(s)] },
      { name: "alpha", operands: (s) => [rows(s)], attributes: () => ({ alpha: float(-0.7) }) },
    ],
    FusedMatMul: product,
    FusedGemm: [
      {
        name: "Relu",
        operands: () => [fed("tokens", 3), weight(4, 3), weight(4)],
        attributes: () => ({ activation: string("Relu"), transB: int(1), alpha: float(0.5), beta: float(2) }),
      },
      {
        name: "LeakyRelu",
        operands: () => [fed("tokens", 3), weight(3, 4)],
        attributes: () => ({ activation: string("LeakyRelu"), activation_alpha: float(0.3) }),
      },
      {
        name: "HardSigmoid",
        operands: () => [fed("tokens", 3), weight(3, 4)],
        attributes: () => ({
          activation: string("HardSigmoid"),
          activation_alpha: float(0.3),
          activation_beta: float(0.4),
        }),
      },
    ],
    FusedConv: [
      {
        name: "Relu, padded",
        operands: () => [fed("batch", 2, 5, 5), weight(3, 2, 2, 2), weight(3)],
        attributes: () => ({ activation: string("Relu"), pads: ints([1, 0, 0, 1]), kernel_shape: ints([2, 2]) }),
      },
      {
        name: "sum, Clip",
        operands: () => [fed("batch", 2, 5, 5), weight(3, 2, 2, 2), weight(3), fed("batch", 3, 4, 4)],
        attributes: () => ({
          activation: string("Clip"),
          activation_params: { type: "floats", value: [-0.5, 0.75] },
          kernel_shape: ints([2, 2]),
        }),
      },
    ],
    SkipLayerNormalization: [
      { name: "plain", operands: (s) => [rows(s), rows(s), row(s)] },
      {
        name: "shift, bias, sum",
        operands: (s) => [rows(s), rows(s), row(s), row(s), row(s)],
        outputs: 4,
        skip: [1, 2],
        attributes: () => ({ epsilon: float(1e-3) }),
      },
      { name: "one skip for all examples", operands: (s) => [rows(s), fed(1, "tokens", width(s)), row(s), row(s)] },
    ],
    SkipSimplifiedLayerNormalization: [
      { name: "plain", operands: (s) => [rows(s), rows(s), row(s)] },
      {
        name: "bias, sum",
        operands: (s) => [rows(s), rows(s), row(s), row(s)],
        outputs: 4,
        skip: [1, 2],
        attributes: () => ({ epsilon: float(1e-3) }),
      },
    ],
    RotaryEmbedding: [
      ...rotary(false),
      {
        name: "an offset",
        operands: (s) => [rows(s), whole([1], (r) => r.int(3), "int64"), weight(9, s.half), weight(9, s.half)],
        attributes: () => ({}),
      },
    ],
  },
  "": {
    Attention: ownAttention,
    RMSNormalization: [
      { name: "last axis", operands: (s) => [rows(s), row(s)] },
      {
        name: "last two axes",
        operands: (s) => [rows(s), weight(s.tokens, width(s))],
        attributes: () => ({ axis: int(1), epsilon: float(0.1) }),
      },
    ],
    RotaryEmbedding: [
      ...rotary(true),
      {
        name: "no positions",
        operands: (s) => [
          fed("batch", s.heads, "tokens", 2 * s.half),
          fed("batch", "tokens", s.half),
          fed("batch", "tokens", s.half),
        ],
      },
    ],
    SimplifiedLayerNormalization: [{ name: "plain", operands: (s) => [rows(s), row(s)], opset: 20 }],
  },
};
