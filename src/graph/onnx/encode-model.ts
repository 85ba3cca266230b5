import { clearField, create, isFieldSet } from "@bufbuild/protobuf";
import { GraftError } from "../../base/index.ts";
import { tensorBytes } from "../reread.ts";
import type { Graph, Node, Tensor } from "../types.ts";
import { encodeAttribute } from "./attribute-codec.ts";
import {
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProtoSchema,
  type ValueInfoProto,
} from "./gen/onnx_pb.js";
import { graphOrigin, nodeOrigin } from "./origin.ts";
import { serializeModel, totalLength } from "./serialize.ts";
import { encodeTensor } from "./tensor-codec.ts";
import { encodeType, sameType } from "./type-codec.ts";

export interface EncodeOptions {
  /**
   * Where initializers of at least `threshold` bytes go. "none": into the message. "per-tensor": an entry of their own
   * each, viewed in place. "one-file": all into the file `location`, one behind the other.
   * Default: "none", or "per-tensor" when they take more than 1.5 GB (a message cannot exceed 2 GB).
   */
  readonly external?: "none" | "per-tensor" | "one-file";
  /** Bytes; default 1024. */
  readonly threshold?: number;
  /** The data file's name beside the model, for "one-file"; default "model.onnx.data". */
  readonly location?: string;
}

/** Bytes of a tensor kept outside the message: to be found at `offset` of the file `path` beside the model. */
export interface ExternalEntry {
  readonly path: string;
  readonly offset: number;
  /** The tensor's own bytes, not a copy. */
  readonly data: Uint8Array;
}

export interface EncodedModel {
  readonly bytes: Uint8Array;
  readonly external: readonly ExternalEntry[];
}

/** A protobuf message ends at 2 GB. */
export const MESSAGE_LIMIT = 2 ** 31 - 1;
/** Leave room for the rest of the model. */
export const INLINE_LIMIT = 1.5e9;
/** Weights that a runtime maps into memory must begin on a page, small ones at least on a cache line. */
const PAGE = 4096;
const CACHE_LINE = 64;

/**
 * Write a graph as an ONNX model. What its file held beyond the IR is written back. The IR version is the file's own,
 * or higher where the operator set, or weights that are no inputs, ask for it.
 * @throws GraftError MODEL_SIZE if the message would exceed protobuf's 2 GB
 */
export function encodeModel(graph: Graph, options: EncodeOptions = {}): EncodedModel {
  const { pieces, external } = encodePieces(graph, options);
  const bytes = new Uint8Array(totalLength(pieces));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.byteLength;
  }
  return { bytes, external };
}

/** `encodeModel` with the message in pieces, inline weights among them as views: for writers that need no copy. */
export function encodePieces(graph: Graph, options: EncodeOptions) {
  const origin = graphOrigin(graph);
  const external: ExternalEntry[] = [];
  const place = placer(graph, options, external);
  const fromGraph = origin?.model.graph;
  const tensors = [...graph.initializers].map(([name, tensor]) => place(tensor, encodeTensor(tensor, name)));
  const made = new Set(graph.nodes.flatMap((node) => node.outputs));
  const describe = (name: string) => describeValue(graph, name);
  const ends = new Set([...graph.inputs, ...graph.outputs]);
  const described = [...new Set([...(origin?.values.keys() ?? []), ...graph.types.keys()])].filter(
    (name) => !ends.has(name) && (made.has(name) || (graph.initializers.has(name) && origin?.values.has(name))),
  );
  const proto = Object.assign(create(GraphProtoSchema), fromGraph, {
    name: graph.name,
    node: graph.nodes.map(encodeNode),
    initializer: tensors,
    input: graph.inputs.map(describe),
    output: graph.outputs.map(describe),
    valueInfo: described.map(describe),
    quantizationAnnotation:
      fromGraph?.quantizationAnnotation.filter(
        ({ tensorName }) => made.has(tensorName) || ends.has(tensorName) || graph.initializers.has(tensorName),
      ) ?? [],
  });
  const model = Object.assign(create(ModelProtoSchema), origin?.model ?? { producerName: "graft" }, {
    irVersion: BigInt(irVersion(graph)),
    opsetImport: [...graph.opsets].map(([domain, version]) =>
      create(OperatorSetIdProtoSchema, { domain, version: BigInt(version) }),
    ),
    metadataProps: entries(graph.metadata),
    graph: proto,
  });
  const pieces = serializeModel(model);
  if (totalLength(pieces) > MESSAGE_LIMIT) {
    throw new GraftError("MODEL_SIZE", {
      thing: `graph "${graph.name}"`,
      place: `its message would take ${totalLength(pieces)} bytes, protobuf allows ${MESSAGE_LIMIT}`,
      remedy: "Keep the weights in external data",
    });
  }
  return { pieces, external };
}

/** Decides where each tensor's bytes go, and points its message there. */
function placer(graph: Graph, options: EncodeOptions, external: ExternalEntry[]) {
  const { threshold = 1024, location = "model.onnx.data" } = options;
  const mode = options.external ?? (initializerBytes(graph) > INLINE_LIMIT ? "per-tensor" : "none");
  let end = 0;
  return (tensor: Tensor, proto: TensorProto): TensorProto => {
    const length = tensorBytes(tensor);
    if (mode === "none" || tensor.dtype === "string" || length < Math.max(1, threshold)) return proto;
    const align = length >= PAGE ? PAGE : CACHE_LINE;
    const offset = mode === "one-file" ? Math.ceil(end / align) * align : 0;
    end = offset + length;
    const path = mode === "one-file" ? location : `tensor${external.length}.bin`;
    external.push({ path, offset, data: tensor.bytes });
    clearField(proto, TensorProtoSchema.field.rawData);
    proto.dataLocation = TensorProto_DataLocation.EXTERNAL;
    proto.externalData = entries([
      ["location", path],
      ["offset", String(offset)],
      ["length", String(length)],
    ]);
    return proto;
  };
}

/** Bytes of all initializers. */
export function initializerBytes(graph: Graph): number {
  let sum = 0;
  for (const tensor of graph.initializers.values()) sum += tensorBytes(tensor);
  return sum;
}

function encodeNode(node: Node): NodeProto {
  const origin = nodeOrigin(node);
  const proto = Object.assign(create(NodeProtoSchema), origin?.proto, {
    input: [...node.inputs],
    output: [...node.outputs],
    opType: node.op,
    attribute: Object.entries(node.attributes).map(([name, attribute]) =>
      encodeAttribute(name, attribute, origin?.attributes.get(name)),
    ),
  });
  const { field } = NodeProtoSchema;
  if (node.name !== "" || isFieldSet(proto, field.name)) proto.name = node.name;
  if (node.domain !== "" || isFieldSet(proto, field.domain)) proto.domain = node.domain;
  return proto;
}

function describeValue(graph: Graph, name: string): ValueInfoProto {
  const known = graphOrigin(graph)?.values.get(name);
  const type = graph.types.get(name);
  return known !== undefined && sameType(known.type, type) ? known.proto : encodeType(name, type, known?.proto);
}

/** The IR version each operator set came with (github.com/onnx/onnx, docs/Versioning.md). */
function irVersion(graph: Graph): number {
  const origin = graphOrigin(graph);
  const read = Number(origin?.model.irVersion ?? 0);
  const opset = graph.opsets.get("") ?? 0;
  // From version 4 on, weights need not be listed as inputs, and this writer does not list them.
  const floor = Math.max(read, graph.initializers.size > 0 ? 4 : 3);
  if (origin !== undefined && opset === origin.opsets.get("")) return floor;
  const needed = opset <= 14 ? 7 : opset <= 18 ? 8 : opset <= 20 ? 9 : opset <= 22 ? 10 : opset <= 23 ? 11 : 12;
  return Math.max(floor, needed);
}

function entries(pairs: Iterable<readonly [string, string]>) {
  return [...pairs].map(([key, value]) => create(StringStringEntryProtoSchema, { key, value }));
}
