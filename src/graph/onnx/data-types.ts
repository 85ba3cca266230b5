import type { DataType } from "../types.ts";
import { TensorProto_DataType } from "./gen/onnx_pb.js";

const CODES: Record<DataType, TensorProto_DataType> = {
  float32: TensorProto_DataType.FLOAT,
  float64: TensorProto_DataType.DOUBLE,
  float16: TensorProto_DataType.FLOAT16,
  bfloat16: TensorProto_DataType.BFLOAT16,
  int8: TensorProto_DataType.INT8,
  uint8: TensorProto_DataType.UINT8,
  int16: TensorProto_DataType.INT16,
  uint16: TensorProto_DataType.UINT16,
  int32: TensorProto_DataType.INT32,
  uint32: TensorProto_DataType.UINT32,
  int64: TensorProto_DataType.INT64,
  uint64: TensorProto_DataType.UINT64,
  bool: TensorProto_DataType.BOOL,
  string: TensorProto_DataType.STRING,
  int4: TensorProto_DataType.INT4,
  uint4: TensorProto_DataType.UINT4,
};

const TYPES = new Map(Object.entries(CODES).map(([dtype, code]) => [code as number, dtype as DataType]));

/** ONNX's number for an element type, as in `Cast`'s attribute `to`. */
export const dataTypeCode = (dtype: DataType): number => CODES[dtype];

/** The element type of an ONNX number, or undefined for those graft does not know (complex, 8-bit floats, ...). */
export const dataTypeOf = (code: number): DataType | undefined => TYPES.get(code);

/** ONNX's own name of a number, for errors. */
export const dataTypeName = (code: number): string => TensorProto_DataType[code] ?? `number ${code}`;
