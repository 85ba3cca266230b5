import { create, isFieldSet } from "@bufbuild/protobuf";
import { GraftError } from "../../base/index.ts";
import { byteLength, elementCount } from "../tensors.ts";
import type { DataType, Tensor } from "../types.ts";
import { dataTypeCode, dataTypeName, dataTypeOf } from "./data-types.ts";
import { type FindExternal, findExternal } from "./external-data.ts";
import { type TensorProto, TensorProto_DataLocation, TensorProtoSchema } from "./gen/onnx_pb.js";
import { tensorOrigin } from "./origin.ts";

const FIELD = TensorProtoSchema.field;

/** What decoding needs to know besides the message. */
export interface DecodeContext {
  readonly find: FindExternal | undefined;
  /** The file's name, for errors. */
  readonly where: string;
}

/**
 * Turn a message into a tensor. Raw data is viewed in place; typed fields are unpacked into little-endian bytes.
 * @throws GraftError TENSOR if the type is unknown, or shape and data disagree (checked before anything is allocated)
 * @throws GraftError EXTERNAL_DATA
 */
export function decodeTensor(proto: TensorProto, context: DecodeContext, role: "initializer" | "attribute"): Tensor {
  const refuse = (place: string, remedy: string) =>
    new GraftError("TENSOR", { thing: `tensor "${proto.name}"`, place: `${context.where} ${place}`, remedy });
  const dtype = dataTypeOf(proto.dataType);
  if (dtype === undefined) {
    throw refuse(`holds it as ${dataTypeName(proto.dataType)}`, "Export the model in float32, float16 or bfloat16");
  }
  const shape = proto.dims.map(Number);
  const count = elementCount(shape);
  const length = byteLength(dtype, count);
  if (!Number.isSafeInteger(length)) {
    throw refuse(`gives it the shape [${shape.join(", ")}]`, "Sizes must be whole, not negative and fit in memory");
  }
  if (proto.segment !== undefined) throw refuse("keeps it in segments", "Export the model again, in one piece");
  const disagree = (found: number, unit: string, expected: number) =>
    refuse(
      `holds ${found} ${unit} for ${dtype}[${shape.join(", ")}], which takes ${expected}`,
      "Shape and data disagree: the file is damaged, export it again",
    );
  const origin = extras(proto, role === "attribute");
  const finish = (bytes: Uint8Array, strings?: readonly Uint8Array[]): Tensor => ({
    dtype,
    shape,
    bytes,
    ...(strings && { strings }),
    ...(origin && { origin }),
  });
  if (dtype === "string") {
    if (proto.stringData.length !== count) throw disagree(proto.stringData.length, "strings", count);
    return finish(new Uint8Array(0), proto.stringData);
  }
  if (proto.dataLocation === TensorProto_DataLocation.EXTERNAL) {
    const { source, offset } = findExternal(proto, length, context.find, context.where);
    if (!source.tensor) return finish(source.read(offset, length));
    return source.tensor({ dtype, shape, ...(origin && { origin }) }, offset, length);
  }
  if (isFieldSet(proto, FIELD.rawData)) {
    if (proto.rawData.length !== length) throw disagree(proto.rawData.length, "bytes", length);
    return finish(proto.rawData);
  }
  const { values, perByte } = typedData(proto, dtype);
  const expected = perByte ? length : count;
  if (values.length !== expected) throw disagree(values.length, "values", expected);
  return finish(fromTyped(values, dtype));
}

/** Turn a tensor into a message named `name`, its data as raw bytes, viewed in place. */
export function encodeTensor(tensor: Tensor, name: string | undefined): TensorProto {
  const from = tensorOrigin(tensor)?.proto;
  const proto = Object.assign(create(TensorProtoSchema), from);
  proto.dims = tensor.shape.map(BigInt);
  proto.dataType = dataTypeCode(tensor.dtype);
  if (name !== undefined) proto.name = name;
  if (tensor.dtype === "string") proto.stringData = [...(tensor.strings ?? [])];
  else proto.rawData = tensor.bytes;
  return proto;
}

type TypedData = readonly number[] | readonly bigint[];

/** The typed field a type's values lie in; `perByte`: one entry holds a byte, not an element (4-bit types). */
function typedData(proto: TensorProto, dtype: DataType): { values: TypedData; perByte: boolean } {
  switch (dtype) {
    case "float32":
      return { values: proto.floatData, perByte: false };
    case "float64":
      return { values: proto.doubleData, perByte: false };
    case "int64":
      return { values: proto.int64Data, perByte: false };
    case "uint32":
    case "uint64":
      return { values: proto.uint64Data, perByte: false };
    default:
      return { values: proto.int32Data, perByte: dtype === "int4" || dtype === "uint4" };
  }
}

function fromTyped(values: TypedData, dtype: DataType): Uint8Array {
  const numbers = values as readonly number[];
  const bigs = values as readonly bigint[];
  switch (dtype) {
    case "float32":
      return bytes(Float32Array.from(numbers));
    case "float64":
      return bytes(Float64Array.from(numbers));
    case "int64":
      return bytes(BigInt64Array.from(bigs));
    case "uint64":
      return bytes(BigUint64Array.from(bigs));
    case "uint32":
      return bytes(Uint32Array.from(bigs, Number));
    case "int32":
      return bytes(Int32Array.from(numbers));
    case "int16":
    case "uint16":
    case "float16":
    case "bfloat16":
      return bytes(Uint16Array.from(numbers));
    default:
      return Uint8Array.from(numbers);
  }
}

function bytes(values: ArrayBufferView): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** What the message holds besides the tensor; its data is let go. */
function extras(proto: TensorProto, keepName: boolean): Tensor["origin"] {
  const named = keepName && isFieldSet(proto, FIELD.name);
  const kept =
    named || isFieldSet(proto, FIELD.docString) || proto.metadataProps.length > 0 || proto.$unknown !== undefined;
  if (!kept) return undefined;
  const rest = create(TensorProtoSchema);
  if (named) rest.name = proto.name;
  if (isFieldSet(proto, FIELD.docString)) rest.docString = proto.docString;
  rest.metadataProps = proto.metadataProps;
  if (proto.$unknown !== undefined) rest.$unknown = proto.$unknown;
  return { kind: "tensor", proto: rest } as Tensor["origin"];
}
