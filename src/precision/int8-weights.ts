import { type Tensor, tensorOf } from "../graph/index.ts";

/** Bytes that stand for a weight matrix [inner, columns]: (values − zero) · scale, a scale for each column or one in all. */
export interface Int8Weights {
  /** int8 [inner, columns] */
  readonly values: Tensor;
  /** float32 [columns], or [1] */
  readonly scale: Tensor;
  /** int8, as many as scales; absent where all are 0. */
  readonly zero?: Tensor;
}

/** The largest whole number a weight becomes: 127, or 63 where sums of two products of bytes saturate (`int8Limit`). */
export type WeightLimit = 127 | 63;

/** Each column in whole numbers of its own scale, max |w| / `limit`; a column of zeros has scale 1. */
export function quantizeColumns(data: Float32Array, inner: number, columns: number, limit: WeightLimit): Int8Weights {
  const scale = new Float32Array(columns);
  for (let row = 0, at = 0; row < inner; row++)
    for (let column = 0; column < columns; column++, at++) {
      const size = Math.abs(data[at]!);
      if (size > scale[column]!) scale[column] = size;
    }
  const steps = new Float64Array(columns);
  for (let column = 0; column < columns; column++) {
    scale[column] = scale[column]! > 0 ? scale[column]! / limit : 1;
    steps[column] = 1 / scale[column]!;
  }
  const values = new Int8Array(inner * columns);
  // As Math.round, but three times as fast: what is no less than 0 is cut off downwards.
  for (let row = 0, at = 0; row < inner; row++)
    for (let column = 0; column < columns; column++, at++)
      values[at] = ((data[at]! * steps[column]! + 128.5) | 0) - 128;
  return { values: tensorOf("int8", [inner, columns], values), scale: tensorOf("float32", [columns], scale) };
}
