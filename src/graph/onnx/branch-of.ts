import type { Node, Tensor } from "../types.ts";
import { decodeNode } from "./decode-model.ts";
import { attributeOrigin } from "./origin.ts";
import { decodeTensor } from "./tensor-codec.ts";

/** The body of a branch: it reads values around it by name and has no inputs of its own. */
export interface Branch {
  readonly nodes: readonly Node[];
  readonly initializers: ReadonlyMap<string, Tensor>;
  readonly outputs: readonly string[];
}

/** The branch that an `If` node takes for a condition; undefined for other nodes. */
export function branchOf(node: Node, condition: boolean): Branch | undefined {
  const attribute = node.op === "If" ? node.attributes[condition ? "then_branch" : "else_branch"] : undefined;
  const graph = attribute?.type === "opaque" ? attributeOrigin(attribute.value)?.proto.g : undefined;
  if (graph === undefined) return undefined;
  // Reading a model brings the external data of its subgraphs inside.
  const context = { find: undefined, where: node.name };
  return {
    nodes: graph.node.map((inner) => decodeNode(inner, context)),
    initializers: new Map(graph.initializer.map((proto) => [proto.name, decodeTensor(proto, context, "initializer")])),
    outputs: graph.output.map(({ name }) => name),
  };
}
