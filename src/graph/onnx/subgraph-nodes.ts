import type { Node } from "../types.ts";
import type { AttributeProto, GraphProto, NodeProto } from "./gen/onnx_pb.js";
import { attributeOrigin } from "./origin.ts";

/** Every node inside a node's subgraphs (If, Loop, Scan), at any depth, as the file holds it; "" is ONNX's own domain. */
export function subgraphNodes(node: Node): readonly Pick<NodeProto, "opType" | "domain">[] {
  return Object.values(node.attributes).flatMap((attribute) => {
    const proto = attribute.type === "opaque" ? attributeOrigin(attribute.value)?.proto : undefined;
    return proto === undefined ? [] : subgraphsIn(proto).flatMap(nodesIn);
  });
}

/** The graphs an attribute holds: one, or a list. */
export const subgraphsIn = ({ g, graphs }: AttributeProto): readonly GraphProto[] => (g ? [g, ...graphs] : graphs);

function nodesIn(graph: GraphProto): Pick<NodeProto, "opType" | "domain">[] {
  return graph.node.flatMap((node) => [
    { opType: node.opType, domain: node.domain === "ai.onnx" ? "" : node.domain },
    ...node.attribute.flatMap(subgraphsIn).flatMap(nodesIn),
  ]);
}
