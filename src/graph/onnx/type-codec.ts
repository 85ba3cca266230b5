import { create } from "@bufbuild/protobuf";
import type { Dim, ValueType } from "../types.ts";
import { dataTypeCode, dataTypeOf } from "./data-types.ts";
import {
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "./gen/onnx_pb.js";

/** The type a description gives, or undefined when it gives none or one that graft does not model (a sequence, ...). */
export function decodeType(proto: ValueInfoProto): ValueType | undefined {
  if (proto.type?.value.case !== "tensorType") return undefined;
  const { elemType, shape } = proto.type.value.value;
  const dtype = dataTypeOf(elemType);
  if (dtype === undefined) return undefined;
  if (shape === undefined) return { dtype };
  return { dtype, shape: shape.dim.map((dim) => decodeDim(dim.value)) };
}

function decodeDim(
  value: { case: "dimValue"; value: bigint } | { case: "dimParam"; value: string } | { case: undefined },
): Dim {
  if (value.case === "dimParam") return value.value === "" ? null : value.value;
  // Some exporters write -1 for "unknown".
  if (value.case === "dimValue") {
    const size = Number(value.value);
    return size >= 0 && Number.isSafeInteger(size) ? size : null;
  }
  return null;
}

/** Describe a value. @param from  an earlier description, for its documentation */
export function encodeType(
  name: string,
  type: ValueType | undefined,
  from: ValueInfoProto | undefined,
): ValueInfoProto {
  const proto = Object.assign(create(ValueInfoProtoSchema), from, { name });
  if (type === undefined) return proto;
  const tensor = create(TypeProto_TensorSchema, { elemType: dataTypeCode(type.dtype) });
  if (type.shape !== undefined) {
    tensor.shape = create(TensorShapeProtoSchema, { dim: type.shape.map(encodeDim) });
  }
  proto.type = create(TypeProtoSchema, { value: { case: "tensorType", value: tensor } });
  return proto;
}

function encodeDim(dim: Dim) {
  const proto = create(TensorShapeProto_DimensionSchema);
  if (typeof dim === "number") proto.value = { case: "dimValue", value: BigInt(dim) };
  if (typeof dim === "string") proto.value = { case: "dimParam", value: dim };
  return proto;
}

export function sameType(a: ValueType | undefined, b: ValueType | undefined): boolean {
  if (a === b) return true;
  if (a?.dtype !== b?.dtype || a?.shape?.length !== b?.shape?.length) return false;
  return a?.shape?.every((dim, k) => dim === b?.shape?.[k]) ?? true;
}
