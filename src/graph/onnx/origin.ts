import type { Graph, Node, Tensor, ValueType } from "../types.ts";
import type { AttributeProto, ModelProto, NodeProto, TensorProto, ValueInfoProto } from "./gen/onnx_pb.js";

/** What a model's file held besides what `Graph` models; `encodeModel` writes it back. */
export interface GraphOrigin {
  readonly kind: "graph";
  /** The message with the lists that `Graph` models emptied: producer, functions, training info, unknown fields. */
  readonly model: ModelProto;
  /** Descriptions of values as read, by name, with the type that was understood (none for sequences and the like). */
  readonly values: ReadonlyMap<string, { readonly proto: ValueInfoProto; readonly type: ValueType | undefined }>;
  /** Opsets as read, to see whether they were changed. */
  readonly opsets: ReadonlyMap<string, number>;
}

/** A node's message with inputs, outputs and attributes emptied, and the attributes that carry more than a value. */
export interface NodeOrigin {
  readonly kind: "node";
  readonly proto: NodeProto;
  readonly attributes: ReadonlyMap<string, AttributeProto>;
}

/** A tensor's message with its data emptied. */
export interface TensorOrigin {
  readonly kind: "tensor";
  readonly proto: TensorProto;
}

/** The value of an opaque attribute. */
export interface AttributeOrigin {
  readonly kind: "attribute";
  readonly proto: AttributeProto;
}

type AnyOrigin = GraphOrigin | NodeOrigin | TensorOrigin | AttributeOrigin;

export const graphOrigin = (graph: Graph) => originOf(graph.origin, "graph");
export const nodeOrigin = (node: Node) => originOf(node.origin, "node");
export const tensorOrigin = (tensor: Tensor) => originOf(tensor.origin, "tensor");
export const attributeOrigin = (value: object) => originOf(value, "attribute");

function originOf<K extends AnyOrigin["kind"]>(origin: object | undefined, kind: K) {
  const known = origin as AnyOrigin | undefined;
  return known?.kind === kind ? (known as Extract<AnyOrigin, { kind: K }>) : undefined;
}
