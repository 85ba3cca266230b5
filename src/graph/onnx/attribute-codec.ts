import { create, isFieldSet } from "@bufbuild/protobuf";
import { GraftError } from "../../base/index.ts";
import type { Attribute } from "../types.ts";
import { dataTypeOf } from "./data-types.ts";
import {
  type AttributeProto,
  AttributeProtoSchema,
  type GraphProto,
  AttributeProto_AttributeType as Kind,
  type TensorProto,
  TensorProto_DataLocation,
} from "./gen/onnx_pb.js";
import { type AttributeOrigin, attributeOrigin } from "./origin.ts";
import { subgraphsIn } from "./subgraph-nodes.ts";
import { type DecodeContext, decodeTensor, encodeTensor } from "./tensor-codec.ts";

const FIELD = AttributeProtoSchema.field;
const INT64_MAX = 2n ** 63n - 1n;

/** Turn a message into an attribute; what the IR has no form for (subgraphs, binary strings, ...) becomes opaque. */
export function decodeAttribute(proto: AttributeProto, context: DecodeContext): Attribute {
  switch (kindOf(proto)) {
    case Kind.FLOAT:
      return { type: "float", value: proto.f };
    case Kind.INT:
      return isExact(proto.i) ? { type: "int", value: Number(proto.i) } : opaque(proto, context);
    case Kind.STRING: {
      const value = utf8(proto.s);
      return value === undefined ? opaque(proto, context) : { type: "string", value };
    }
    case Kind.FLOATS:
      return { type: "floats", value: proto.floats };
    case Kind.INTS:
      return proto.ints.every(isExact) ? { type: "ints", value: proto.ints.map(Number) } : opaque(proto, context);
    case Kind.STRINGS: {
      const value = proto.strings.map(utf8);
      return value.some((text) => text === undefined)
        ? opaque(proto, context)
        : { type: "strings", value: value as string[] };
    }
    case Kind.TENSOR:
      return proto.t === undefined || dataTypeOf(proto.t.dataType) === undefined
        ? opaque(proto, context)
        : { type: "tensor", value: decodeTensor(proto.t, context, "attribute") };
    default:
      return opaque(proto, context);
  }
}

/** Whether a message says more than name and value, so that the node's origin has to keep it. */
export function hasExtras(proto: AttributeProto): boolean {
  return isFieldSet(proto, FIELD.docString) || proto.$unknown !== undefined;
}

/** Turn an attribute into a message. @param from  the message it was read from, for its description */
export function encodeAttribute(name: string, attribute: Attribute, from: AttributeProto | undefined): AttributeProto {
  if (attribute.type === "opaque") {
    const kept = attributeOrigin(attribute.value)?.proto;
    if (kept !== undefined) return Object.assign(create(AttributeProtoSchema), kept, { name });
    throw new GraftError("ATTRIBUTE", {
      thing: `attribute "${name}"`,
      place: "opaque, but not read from an ONNX file",
      remedy: "Opaque attributes can only be carried from a file that was read",
    });
  }
  const proto = create(AttributeProtoSchema, { name });
  if (from && isFieldSet(from, FIELD.docString)) proto.docString = from.docString;
  if (from?.$unknown !== undefined) proto.$unknown = from.$unknown;
  switch (attribute.type) {
    case "float":
      return Object.assign(proto, { type: Kind.FLOAT, f: attribute.value });
    case "int":
      return Object.assign(proto, { type: Kind.INT, i: int64(attribute.value) });
    case "string":
      return Object.assign(proto, { type: Kind.STRING, s: new TextEncoder().encode(attribute.value) });
    case "floats":
      return Object.assign(proto, { type: Kind.FLOATS, floats: [...attribute.value] });
    case "ints":
      return Object.assign(proto, { type: Kind.INTS, ints: attribute.value.map(int64) });
    case "strings": {
      const encoder = new TextEncoder();
      return Object.assign(proto, { type: Kind.STRINGS, strings: attribute.value.map((text) => encoder.encode(text)) });
    }
    case "tensor":
      return Object.assign(proto, { type: Kind.TENSOR, t: encodeTensor(attribute.value, undefined) });
  }
}

/** Files of the first IR versions leave the type out: see which field is there. */
function kindOf(proto: AttributeProto): Kind {
  if (proto.type !== Kind.UNDEFINED) return proto.type;
  if (isFieldSet(proto, FIELD.refAttrName)) return Kind.UNDEFINED;
  if (isFieldSet(proto, FIELD.f)) return Kind.FLOAT;
  if (isFieldSet(proto, FIELD.i)) return Kind.INT;
  if (isFieldSet(proto, FIELD.s)) return Kind.STRING;
  if (isFieldSet(proto, FIELD.t)) return Kind.TENSOR;
  if (proto.floats.length > 0) return Kind.FLOATS;
  if (proto.ints.length > 0) return Kind.INTS;
  if (proto.strings.length > 0) return Kind.STRINGS;
  return Kind.UNDEFINED;
}

function opaque(proto: AttributeProto, context: DecodeContext): Attribute {
  for (const tensor of tensorsOf(proto)) inline(tensor, context);
  const value: AttributeOrigin = { kind: "attribute", proto };
  return { type: "opaque", value };
}

/** Every tensor in an attribute, those of its subgraphs included. */
function* tensorsOf(proto: AttributeProto): Generator<TensorProto> {
  if (proto.t) yield proto.t;
  yield* proto.tensors;
  for (const graph of subgraphsIn(proto)) yield* tensorsOfGraph(graph);
}

function* tensorsOfGraph(graph: GraphProto): Generator<TensorProto> {
  yield* graph.initializer;
  for (const node of graph.node) for (const attribute of node.attribute) yield* tensorsOf(attribute);
}

/** Subgraphs are written as they are, maybe into another folder: bring their external data inside. */
function inline(proto: TensorProto, context: DecodeContext): void {
  if (proto.dataLocation !== TensorProto_DataLocation.EXTERNAL) return;
  proto.rawData = decodeTensor(proto, context, "attribute").bytes;
  proto.externalData = [];
  proto.dataLocation = TensorProto_DataLocation.DEFAULT;
}

/** Numbers hold it without loss; the largest int64, which stands for "to the end", counts as 2^63. */
function isExact(value: bigint): boolean {
  return int64(Number(value)) === value;
}

function int64(value: number): bigint {
  if (!Number.isInteger(value)) {
    throw new GraftError("ATTRIBUTE", {
      thing: `integer attribute ${value}`,
      place: "not a whole number",
      remedy: "Use a float attribute or round it",
    });
  }
  const exact = BigInt(value);
  return exact > INT64_MAX ? INT64_MAX : exact;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}
