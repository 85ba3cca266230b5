import type { Node } from "../types.ts";
import type { GraphProto, NodeProto } from "./gen/onnx_pb.js";
import { attributeOrigin } from "./origin.ts";

/** Every node inside a node's subgraphs (If, Loop, Scan), at any depth, as the file holds it; "" is ONNX's own domain. */
export function subgraphNodes(node: Node): readonly Pick<NodeProto, "opType" | "domain">[] {
  return Object.values(node.attributes).flatMap((attribute) => {
    const proto = attribute.type === "opaque" ? attributeOrigin(attribute.value)?.proto : undefined;
    return proto === undefined ? [] : [...(proto.g ? [proto.g] : []), ...proto.graphs].flatMap(nodesIn);
  });
}

function nodesIn(graph: GraphProto): Pick<NodeProto, "opType" | "domain">[] {
  return graph.node.flatMap((node) => [
    { opType: node.opType, domain: node.domain === "ai.onnx" ? "" : node.domain },
    ...node.attribute.flatMap(({ g, graphs }) => (g ? [g, ...graphs] : graphs)).flatMap(nodesIn),
  ]);
}
