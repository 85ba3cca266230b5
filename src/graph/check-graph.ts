import { GraftError } from "../base/index.ts";
import { describeNode } from "./attributes.ts";
import { usedValues } from "./onnx/used-values.ts";
import { tensorBytes } from "./reread.ts";
import { byteLength, elementCount } from "./tensors.ts";
import type { Graph, Node, Tensor } from "./types.ts";

/**
 * Check what every legal graph keeps to: each value has one name and one maker, nodes come after what they read,
 * outputs exist, operator sets are imported, tensors hold what their shape says.
 * @returns the graph, so that calls can be chained
 * @throws  GraftError GRAPH naming node and value, or TENSOR naming the initializer
 */
export function checkGraph(graph: Graph): Graph {
  const fail = (thing: string, place: string, remedy: string) =>
    new GraftError("GRAPH", { thing, place: `graph "${graph.name}": ${place}`, remedy });
  const known = new Set<string>();
  const define = (name: string, by: string) => {
    if (known.has(name))
      throw fail(`value "${name}"`, `made a second time, by ${by}`, "Names of values must be unique");
    known.add(name);
  };
  for (const name of graph.inputs) {
    if (name === "") throw fail("an input", "it has no name", "Every input needs a name");
    define(name, "a graph input");
  }
  for (const [name, tensor] of graph.initializers) {
    define(name, "an initializer");
    checkTensor(name, tensor);
  }
  const makers = new Map<string, Node>();
  for (const node of graph.nodes) for (const name of node.outputs) if (name !== "") makers.set(name, node);
  for (const node of graph.nodes) {
    const where = describeNode(node);
    if (node.op === "") throw fail(where, "it has no operator", "Every node needs one: export the model again");
    if (!graph.opsets.has(node.domain)) {
      throw fail(
        where,
        `operator set "${node.domain || "ai.onnx"}" is not imported`,
        "Add its version to the graph's opsets",
      );
    }
    for (const name of usedValues(node)) {
      if (known.has(name)) continue;
      const maker = makers.get(name);
      if (maker === undefined) {
        throw fail(where, `reads "${name}", which nothing makes`, "Every input must be fed, stored or made by a node");
      }
      throw fail(where, `reads "${name}" before ${describeNode(maker)} makes it`, "Put nodes in order: `sortNodes`");
    }
    for (const name of node.outputs) if (name !== "") define(name, where);
  }
  for (const name of graph.outputs) {
    if (!known.has(name)) throw fail(`output "${name}"`, "nothing makes it", "Every output must be made by a node");
  }
  return graph;
}

function checkTensor(name: string, tensor: Tensor): void {
  const count = elementCount(tensor.shape);
  const [found, expected] =
    tensor.dtype === "string"
      ? [tensor.strings?.length ?? 0, count]
      : [tensorBytes(tensor), byteLength(tensor.dtype, count)];
  if (found === expected) return;
  throw new GraftError("TENSOR", {
    thing: `initializer "${name}"`,
    place: `${tensor.dtype}[${tensor.shape.join(", ")}] takes ${expected} bytes and has ${found}`,
    remedy: "Shape and data must agree",
  });
}
