import { create, type DescMessage, isFieldSet, type MessageShape, toBinary } from "@bufbuild/protobuf";
import {
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type TensorProto,
  TensorProtoSchema,
} from "./gen/onnx_pb.js";

/** Raw data from this many bytes on is a piece of its own, not copied into a message first. */
const OWN_PIECE = 4096;

/**
 * A model's bytes, as pieces to be written one behind the other; weights are views of the tensors' own bytes. A writer
 * of nested messages would copy each weight once per level, and again whenever its buffer grows. Fields come in the
 * order of their numbers, as from any other writer.
 */
export function serializeModel(model: ModelProto): Uint8Array[] {
  const graph = model.graph ?? create(GraphProtoSchema);
  const at = GraphProtoSchema.field.initializer.number;
  const tensors = graph.initializer.flatMap((tensor) => nest(at, serializeTensor(tensor)));
  const inner = [
    ...part(GraphProtoSchema, graph, (number) => number < at),
    ...tensors,
    ...part(GraphProtoSchema, graph, (number) => number > at),
  ];
  const graphAt = ModelProtoSchema.field.graph.number;
  return [
    ...part(ModelProtoSchema, model, (number) => number < graphAt),
    ...nest(graphAt, inner),
    ...part(ModelProtoSchema, model, (number) => number > graphAt),
  ];
}

export function totalLength(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
}

function serializeTensor(tensor: TensorProto): Uint8Array[] {
  const at = TensorProtoSchema.field.rawData.number;
  if (tensor.rawData.byteLength < OWN_PIECE) return [toBinary(TensorProtoSchema, tensor)];
  return [
    ...part(TensorProtoSchema, tensor, (number) => number < at),
    ...nest(at, [tensor.rawData]),
    ...part(TensorProtoSchema, tensor, (number) => number > at),
  ];
}

/** The fields whose numbers are wanted; unknown ones come last, with the highest. */
function part<D extends DescMessage>(schema: D, message: MessageShape<D>, wanted: (number: number) => boolean) {
  const copy = create(schema) as Record<string, unknown> & MessageShape<D>;
  for (const field of schema.fields) {
    if (wanted(field.number) && isFieldSet(message, field)) {
      Object.assign(copy, { [field.localName]: message[field.localName as keyof typeof message] });
    }
  }
  if (wanted(Number.POSITIVE_INFINITY) && message.$unknown !== undefined) copy.$unknown = message.$unknown;
  const bytes = toBinary(schema, copy);
  return bytes.byteLength === 0 ? [] : [bytes];
}

/** A length-delimited field: tag, length, content. */
function nest(fieldNumber: number, content: Uint8Array[]): Uint8Array[] {
  return [Uint8Array.from([...varint((fieldNumber << 3) | 2), ...varint(totalLength(content))]), ...content];
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return [...bytes, rest];
}
