import type { Attribute, Node } from "../types.ts";
import type { AttributeProto, GraphProto } from "./gen/onnx_pb.js";
import { attributeOrigin } from "./origin.ts";
import { subgraphsIn } from "./subgraph-nodes.ts";

const captured = new WeakMap<object, readonly string[]>();

/**
 * Names of the values a node reads: its inputs, and what its subgraphs capture (see `capturedValues`). Omitted inputs
 * are left out.
 */
export function usedValues(node: Node): readonly string[] {
  return [...node.inputs.filter((name) => name !== ""), ...capturedValues(node)];
}

/** Names of the values that the subgraphs in a node's attributes (If, Loop, Scan) take from around them. */
export function capturedValues(node: Node): readonly string[] {
  return Object.values(node.attributes).flatMap(capturedThrough);
}

function capturedThrough(attribute: Attribute): readonly string[] {
  if (attribute.type !== "opaque") return [];
  let names = captured.get(attribute.value);
  if (names === undefined) {
    const proto: AttributeProto | undefined = attributeOrigin(attribute.value)?.proto;
    names = proto === undefined ? [] : subgraphsIn(proto).flatMap(capturedBy);
    captured.set(attribute.value, names);
  }
  return names;
}

/** Names a subgraph reads and does not make. */
function capturedBy(graph: GraphProto): string[] {
  const own = new Set([
    ...graph.input.map(({ name }) => name),
    ...graph.initializer.map(({ name }) => name),
    ...graph.sparseInitializer.map(({ values }) => values?.name ?? ""),
    ...graph.node.flatMap(({ output }) => output),
    "",
  ]);
  const read = new Set(graph.output.map(({ name }) => name));
  for (const node of graph.node) {
    for (const name of node.input) read.add(name);
    for (const inner of node.attribute.flatMap(subgraphsIn)) for (const name of capturedBy(inner)) read.add(name);
  }
  return [...read].filter((name) => !own.has(name));
}
