import type { Node } from "../types.ts";
import type { GraphProto } from "./gen/onnx_pb.js";
import { attributeOrigin } from "./origin.ts";

const captured = new WeakMap<object, readonly string[]>();

/**
 * Names of the values a node reads: its inputs, and what the subgraphs in its attributes (If, Loop, Scan) take from
 * around them. Omitted inputs are left out.
 */
export function usedValues(node: Node): readonly string[] {
  const used = node.inputs.filter((name) => name !== "");
  for (const attribute of Object.values(node.attributes)) {
    if (attribute.type !== "opaque") continue;
    let names = captured.get(attribute.value);
    if (names === undefined) {
      const proto = attributeOrigin(attribute.value)?.proto;
      names = proto === undefined ? [] : [...(proto.g ? [proto.g] : []), ...proto.graphs].flatMap(capturedBy);
      captured.set(attribute.value, names);
    }
    used.push(...names);
  }
  return used;
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
    for (const { g, graphs } of node.attribute) {
      for (const inner of g ? [g, ...graphs] : graphs) for (const name of capturedBy(inner)) read.add(name);
    }
  }
  return [...read].filter((name) => !own.has(name));
}
