import { create, fromBinary } from "@bufbuild/protobuf";
import { GraftError } from "../../base/index.ts";
import { checkGraph } from "../check-graph.ts";
import { sortNodes } from "../sort-nodes.ts";
import type { Attribute, Graph, Node, Tensor, ValueType } from "../types.ts";
import { decodeAttribute, hasExtras } from "./attribute-codec.ts";
import type { FindExternal } from "./external-data.ts";
import {
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
} from "./gen/onnx_pb.js";
import { looksLike } from "./looks-like.ts";
import type { GraphOrigin, NodeOrigin } from "./origin.ts";
import { type DecodeContext, decodeTensor } from "./tensor-codec.ts";
import { decodeType } from "./type-codec.ts";

export interface DecodeOptions {
  /** What errors call the model, e.g. its path; default "the model". */
  readonly name?: string;
  /** Finds the files that hold tensors outside the model; without it such a model is refused. */
  readonly externalData?: FindExternal;
}

/**
 * Read an ONNX model. Tensors are views into `bytes` (typed fields are unpacked), so keep it unchanged. Nodes that are
 * out of order are sorted. An initializer that is also listed as an input (an overridable default, or any weight
 * before IR version 4) is no input of the graph. What the IR does not model is kept for `encodeModel`.
 * @throws GraftError NOT_ONNX if the bytes are no ONNX model (or cut off), UNSUPPORTED_MODEL, TENSOR, EXTERNAL_DATA,
 *   GRAPH if it breaks ONNX's rules (see `checkGraph`)
 */
export function decodeModel(bytes: Uint8Array, { name = "the model", externalData }: DecodeOptions = {}): Graph {
  const model = parse(bytes, name);
  const graph = model.graph;
  if (graph === undefined) throw notOnnx(name, bytes, "it holds no graph");
  const context: DecodeContext = { find: externalData, where: name };
  if (graph.sparseInitializer.length > 0) {
    throw new GraftError("UNSUPPORTED_MODEL", {
      thing: `sparse initializer "${graph.sparseInitializer[0]!.values?.name ?? ""}"`,
      place: name,
      remedy: "Export the model with dense weights",
    });
  }
  const initializers = new Map<string, Tensor>();
  for (const proto of graph.initializer) {
    if (initializers.has(proto.name)) throw broken(name, `initializer "${proto.name}"`, "is there twice");
    initializers.set(proto.name, decodeTensor(proto, context, "initializer"));
  }
  const opsets = decodeOpsets(model, name, bytes);
  const values: Map<string, { proto: GraphProto["input"][number]; type: ValueType | undefined }> = new Map();
  const types = new Map<string, ValueType>();
  const inputs = new Set(graph.input);
  for (const proto of [...graph.input, ...graph.output, ...graph.valueInfo]) {
    if (values.has(proto.name)) continue;
    if (initializers.has(proto.name) && inputs.has(proto)) continue; // an input no more
    const type = decodeType(proto);
    values.set(proto.name, { proto, type });
    if (type !== undefined) types.set(proto.name, type);
  }
  const origin: GraphOrigin = { kind: "graph", model: emptied(model, graph), values, opsets };
  const decoded: Graph = {
    name: graph.name,
    opsets,
    inputs: graph.input.map((input) => input.name).filter((input) => !initializers.has(input)),
    outputs: graph.output.map((output) => output.name),
    nodes: graph.node.map((node) => decodeNode(node, context)),
    initializers,
    types,
    metadata: new Map(model.metadataProps.map(({ key, value }) => [key, value])),
    origin,
  };
  return checked(decoded, name);
}

function parse(bytes: Uint8Array, name: string): ModelProto {
  // A plain view: slices of a Node Buffer would be Buffers.
  const view = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    return fromBinary(ModelProtoSchema, view);
  } catch (cause) {
    throw notOnnx(name, bytes, "it is damaged or cut off", cause);
  }
}

function notOnnx(name: string, bytes: Uint8Array, otherwise: string, cause?: unknown): GraftError {
  const guess = looksLike(bytes);
  return new GraftError("NOT_ONNX", {
    thing: name,
    place: `not a whole ONNX model: ${guess?.what ?? otherwise} (${bytes.length} bytes)`,
    remedy: guess?.remedy ?? "Copy or download the file again, or export it again",
    cause,
  });
}

function broken(name: string, thing: string, what: string): GraftError {
  return new GraftError("GRAPH", { thing, place: `${name}: it ${what}`, remedy: "Export the model again" });
}

function decodeOpsets(model: ModelProto, name: string, bytes: Uint8Array): Map<string, number> {
  const opsets = new Map<string, number>();
  for (const { domain, version } of model.opsetImport) {
    const key = domainOf(domain);
    const known = opsets.get(key);
    if (known !== undefined && known !== Number(version)) {
      throw broken(name, `operator set "${key || "ai.onnx"}"`, `is imported as version ${known} and ${version}`);
    }
    opsets.set(key, Number(version));
  }
  if (opsets.size > 0) return opsets;
  // Before IR version 3 there was only operator set 1 and no list.
  if (model.irVersion > 0n && model.irVersion < 3n) return new Map([["", 1]]);
  throw notOnnx(name, bytes, "it imports no operator set");
}

/** ONNX's own domain has two spellings. */
function domainOf(domain: string): string {
  return domain === "ai.onnx" ? "" : domain;
}

export function decodeNode(proto: NodeProto, context: DecodeContext): Node {
  const attributes: Record<string, Attribute> = {};
  const kept = new Map<string, NodeProto["attribute"][number]>();
  for (const attribute of proto.attribute) {
    // Not a plain assignment: a name may be "__proto__".
    Object.defineProperty(attributes, attribute.name, {
      value: decodeAttribute(attribute, context),
      enumerable: true,
      configurable: true,
      writable: true,
    });
    if (hasExtras(attribute)) kept.set(attribute.name, attribute);
  }
  const rest: NodeProto = Object.assign(create(NodeProtoSchema), proto, { input: [], output: [], attribute: [] });
  const plain =
    kept.size === 0 &&
    !Object.hasOwn(rest, "docString") &&
    !Object.hasOwn(rest, "overload") &&
    rest.metadataProps.length + rest.deviceConfigurations.length === 0 &&
    rest.$unknown === undefined;
  const origin: NodeOrigin = { kind: "node", proto: rest, attributes: kept };
  return {
    op: proto.opType,
    domain: domainOf(proto.domain),
    name: proto.name,
    inputs: proto.input,
    outputs: proto.output,
    attributes,
    ...(!plain && { origin }),
  };
}

/** The message without what `Graph` models. */
function emptied(model: ModelProto, graph: GraphProto): ModelProto {
  return Object.assign(create(ModelProtoSchema), model, {
    opsetImport: [],
    metadataProps: [],
    graph: Object.assign(create(GraphProtoSchema), graph, {
      node: [],
      initializer: [],
      input: [],
      output: [],
      valueInfo: [],
    }),
  });
}

function checked(graph: Graph, name: string): Graph {
  try {
    return checkGraph(sortNodes(graph));
  } catch (error) {
    if (!(error instanceof GraftError)) throw error;
    const { code, thing, place, remedy } = error;
    throw new GraftError(code, { thing, place: `${name}, ${place}`, remedy, cause: error });
  }
}
