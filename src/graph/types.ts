/** The intermediate representation: an ONNX graph as plain immutable values. Passes are functions Graph → Graph. */

export type DataType =
  | "float32"
  | "float64"
  | "float16"
  | "bfloat16"
  | "int8"
  | "uint8"
  | "int16"
  | "uint16"
  | "int32"
  | "uint32"
  | "int64"
  | "uint64"
  | "bool"
  | "string"
  | "int4"
  | "uint4";

/** A size, the name of a size that is only known at run time, or null when nothing is known. */
export type Dim = number | string | null;
export type Shape = readonly Dim[];

/** What is known of a value: its element type, and its shape when at least its number of dimensions is known. */
export interface ValueType {
  readonly dtype: DataType;
  readonly shape?: Shape;
}

/**
 * A constant tensor. `bytes` is a view (little-endian, row-major, not necessarily aligned), never written to. Of a big file it is
 * read when asked for, which may throw: do not ask in a loop, nor keep it longer than it is used; for its length there is `tensorBytes`.
 * Strings are kept apart, as `strings`, with empty `bytes`.
 */
export interface Tensor {
  readonly dtype: DataType;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
  readonly strings?: readonly Uint8Array[];
  readonly origin?: Origin;
}

/** What the file held besides what the IR models (unknown fields, doc strings): opaque, kept for the writer. */
export type Origin = object;

export type Attribute =
  | { readonly type: "int"; readonly value: number }
  | { readonly type: "float"; readonly value: number }
  | { readonly type: "string"; readonly value: string }
  | { readonly type: "ints"; readonly value: readonly number[] }
  | { readonly type: "floats"; readonly value: readonly number[] }
  | { readonly type: "strings"; readonly value: readonly string[] }
  | { readonly type: "tensor"; readonly value: Tensor }
  /** Subgraphs, sparse tensors, types: carried through untouched. */
  | { readonly type: "opaque"; readonly value: Origin };

export type Attributes = Readonly<Record<string, Attribute>>;

/** One operator call. Values are named; an omitted optional input or output is the empty string. */
export interface Node {
  readonly op: string;
  /** Operator set; "" is ONNX's own. */
  readonly domain: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
  readonly origin?: Origin;
}

export interface Graph {
  readonly name: string;
  /** Operator-set versions by domain. */
  readonly opsets: ReadonlyMap<string, number>;
  /** Names of values that must be fed. Initializers are never listed here. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** In topological order. */
  readonly nodes: readonly Node[];
  readonly initializers: ReadonlyMap<string, Tensor>;
  /** Types of values, where known; inputs and outputs always. */
  readonly types: ReadonlyMap<string, ValueType>;
  readonly metadata: ReadonlyMap<string, string>;
  readonly origin?: Origin;
}
