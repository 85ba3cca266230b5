import { GraftError } from "../base/index.ts";
import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from "./half.ts";
import type { DataType, Tensor } from "./types.ts";

/** Arrays that hold tensor values in memory. float16 and bfloat16 are raw bits in a Uint16Array, bool a byte each. */
export type TensorValues =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

type NumericType = Exclude<DataType, "string">;

const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
  int4: Int8Array,
  uint4: Uint8Array,
} as const satisfies Record<NumericType, unknown>;

const BITS: Record<NumericType, number> = {
  float32: 32,
  float64: 64,
  float16: 16,
  bfloat16: 16,
  int8: 8,
  uint8: 8,
  int16: 16,
  uint16: 16,
  int32: 32,
  uint32: 32,
  int64: 64,
  uint64: 64,
  bool: 8,
  int4: 4,
  uint4: 4,
};

/** Number of elements of a shape; 1 for []. NaN when a size is negative or fractional, or the product is beyond 2^53. */
export function elementCount(shape: readonly number[]): number {
  let count = 1;
  let empty = false;
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || size < 0) return Number.NaN;
    if (size === 0) empty = true;
    else count *= size;
    if (!Number.isSafeInteger(count)) return Number.NaN;
  }
  return empty ? 0 : count;
}

/** Bytes that `count` elements of a type take; 4-bit types share bytes. 0 for strings, which are kept apart. */
export function byteLength(dtype: DataType, count: number): number {
  return dtype === "string" ? 0 : Math.ceil((count * BITS[dtype]) / 8);
}

/**
 * Make a tensor. A typed array of the type's own kind is viewed, not copied; plain numbers are converted (float16 and
 * bfloat16 round to nearest even). int4 and uint4 take one number per element and are packed, low nibble first.
 * @throws GraftError TENSOR if the shape does not hold as many elements as there are values
 */
export function tensorOf(
  dtype: NumericType,
  shape: readonly number[],
  values: TensorValues | readonly number[] | readonly bigint[],
): Tensor {
  if (elementCount(shape) !== values.length) {
    throw new GraftError("TENSOR", {
      thing: `${dtype} tensor [${shape.join(", ")}]`,
      place: `made from ${values.length} values`,
      remedy: "Give as many values as the shape holds",
    });
  }
  return { dtype, shape: [...shape], bytes: bytesOf(dtype, values) };
}

/** A tensor of shape []. */
export function scalarTensor(dtype: NumericType, value: number | bigint): Tensor {
  return tensorOf(dtype, [], typeof value === "bigint" ? [value] : [value]);
}

/**
 * The values as an aligned typed array, always a copy: BigInt64Array for int64, raw bits in a Uint16Array for float16
 * and bfloat16, a byte each for bool, int4 and uint4.
 * @throws GraftError TENSOR for strings
 */
export function tensorValues(tensor: Tensor): TensorValues {
  if (tensor.dtype === "string") throw noNumbers(tensor);
  const count = elementCount(tensor.shape);
  if (tensor.dtype === "int4" || tensor.dtype === "uint4") return unpackNibbles(tensor, count);
  // Not slice(): that of a Node Buffer, which a caller may have given, is a view.
  const copy = new Uint8Array(tensor.bytes);
  return new ARRAYS[tensor.dtype](copy.buffer, 0, count);
}

/**
 * The values as float32, a copy. float64 rounds; the half types are exact.
 * @throws GraftError TENSOR if the type is not a floating-point one
 */
export function asFloat32(tensor: Tensor): Float32Array {
  const values = tensorValues(tensor);
  switch (tensor.dtype) {
    case "float32":
      return values as Float32Array;
    case "float64":
      return Float32Array.from(values as Float64Array);
    case "float16":
      return Float32Array.from(values as Uint16Array, fromFloat16);
    case "bfloat16":
      return Float32Array.from(values as Uint16Array, fromBfloat16);
    default:
      throw new GraftError("TENSOR", {
        thing: `${tensor.dtype} tensor [${tensor.shape.join(", ")}]`,
        place: "read as floating point",
        remedy: "Only float16, bfloat16, float32 and float64 can be",
      });
  }
}

/** The values of a float32 tensor to be read alone: where they are, if that is aligned, else a copy. */
export function float32View(tensor: Tensor): Float32Array {
  const { buffer, byteOffset, byteLength } = tensor.bytes;
  if (tensor.dtype !== "float32" || byteOffset % 4 !== 0) return asFloat32(tensor);
  return new Float32Array(buffer, byteOffset, byteLength / 4);
}

/** The values as plain numbers, a copy; 64-bit integers beyond 2^53 lose their last digits. For shapes and scalars. */
export function asNumbers(tensor: Tensor): number[] {
  if (tensor.dtype === "float16" || tensor.dtype === "bfloat16") return Array.from(asFloat32(tensor));
  return Array.from(tensorValues(tensor) as ArrayLike<number | bigint>, Number);
}

function bytesOf(dtype: NumericType, values: TensorValues | readonly number[] | readonly bigint[]): Uint8Array {
  const viewed = ArrayBuffer.isView(values);
  if (dtype === "int4" || dtype === "uint4") return packNibbles(values as ArrayLike<number>);
  const array = ARRAYS[dtype];
  if (viewed && values instanceof array) return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  if (dtype === "float16") return bytes(Uint16Array.from(values as readonly number[], toFloat16));
  if (dtype === "bfloat16") return bytes(Uint16Array.from(values as readonly number[], toBfloat16));
  if (dtype === "int64") return bytes(BigInt64Array.from(values as readonly number[], toInt64));
  if (dtype === "uint64") return bytes(BigUint64Array.from(values as readonly number[], BigInt));
  return bytes((array as typeof Float64Array).from(Array.from(values as ArrayLike<number | bigint>, Number)));
}

/** 2^63 stands for the largest int64, which numbers cannot hold: ONNX files write it for "to the end". */
function toInt64(value: number | bigint): bigint {
  return value >= 2 ** 63 ? 2n ** 63n - 1n : BigInt(value);
}

function bytes(values: ArrayBufferView): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function packNibbles(values: ArrayLike<number>): Uint8Array {
  const packed = new Uint8Array(Math.ceil(values.length / 2));
  for (let k = 0; k < values.length; k++) packed[k >> 1]! |= (values[k]! & 15) << (4 * (k & 1));
  return packed;
}

function unpackNibbles(tensor: Tensor, count: number): Int8Array | Uint8Array {
  const values = tensor.dtype === "int4" ? new Int8Array(count) : new Uint8Array(count);
  const { bytes } = tensor;
  for (let k = 0; k < count; k++) {
    const nibble = (bytes[k >> 1]! >> (4 * (k & 1))) & 15;
    values[k] = tensor.dtype === "int4" && nibble > 7 ? nibble - 16 : nibble;
  }
  return values;
}

function noNumbers(tensor: Tensor): GraftError {
  return new GraftError("TENSOR", {
    thing: `string tensor [${tensor.shape.join(", ")}]`,
    place: "read as numbers",
    remedy: "Use its `strings`",
  });
}
