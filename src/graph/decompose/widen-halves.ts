import { GraftError } from "../../base/index.ts";
import { describeNode, int } from "../attributes.ts";
import { constantsToInitializers } from "../constants-to-initializers.ts";
import { dataTypeCode, dataTypeOf } from "../onnx/data-types.ts";
import { graphOrigin } from "../onnx/origin.ts";
import { subgraphNodes } from "../onnx/subgraph-nodes.ts";
import { asFloat32, elementCount, tensorOf } from "../tensors.ts";
import type { Attribute, Attributes, DataType, Graph, Node, Tensor } from "../types.ts";

const isHalf = (dtype: DataType | undefined) => dtype === "float16" || dtype === "bfloat16";

/** Attributes that hold the number of an element type. */
const TYPE_ATTRIBUTES = new Set(["to", "dtype", "output_dtype", "precision", "softmax_precision", "stash_type"]);

/**
 * Compute in float32 what a file computes in 16 bits, so that gradients pass in float32: inputs and outputs become
 * float32, casts to 16 bits become idle. The weights stay as they are, bit for bit, each read through a Cast: what is
 * exported again keeps its size, and the runtime widens them once, when it opens the graph. Single numbers are widened
 * here.
 * @returns the argument if nothing in it has 16 bits
 * @throws  GraftError HALF_SUBGRAPH for a model with branches or loops, whose bodies are not looked into
 */
export function widenHalves(graph: Graph): Graph {
  if (!hasHalves(graph)) return graph;
  const branching = graph.nodes.find((node) => subgraphNodes(node).length > 0);
  if (branching)
    throw new GraftError("HALF_SUBGRAPH", {
      thing: describeNode(branching),
      place: "it has branches or a loop, and the model computes in 16-bit floating point",
      remedy: "Export the model in float32, or with fixed input shapes, so that the exporter decides the branch",
    });
  const read = constantsToInitializers(graph);
  const taken = new Set([
    ...read.inputs,
    ...read.initializers.keys(),
    ...read.nodes.flatMap((node) => [node.name, ...node.outputs]),
  ]);
  const initializers = new Map(read.initializers);
  const wide = new Map<string, string>();
  const casts: Node[] = [];
  for (const [name, tensor] of read.initializers) {
    if (!isHalf(tensor.dtype)) continue;
    if (elementCount(tensor.shape) === 1 || read.outputs.includes(name)) {
      initializers.set(name, widened(tensor));
      continue;
    }
    const result = fresh(`${name}/float32`, taken);
    wide.set(name, result);
    casts.push({
      op: "Cast",
      domain: "",
      name: result,
      inputs: [name],
      outputs: [result],
      attributes: { to: int(dataTypeCode("float32")) },
    });
  }
  const nodes = read.nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map((name) => wide.get(name) ?? name),
    attributes: widenedAttributes(node.attributes),
  }));
  const types = new Map(
    [...read.types].map(([name, type]) => [name, isHalf(type.dtype) ? ({ ...type, dtype: "float32" } as const) : type]),
  );
  for (const [name, result] of wide) types.set(result, { dtype: "float32", shape: read.initializers.get(name)!.shape });
  return { ...read, nodes: [...casts, ...nodes], initializers, types, ...withoutHalves(read) };
}

/** What the file says of values' types counts where the graph says nothing: what it says of 16-bit ones is over. */
function withoutHalves(graph: Graph): Pick<Graph, "origin"> {
  const origin = graphOrigin(graph);
  if (origin === undefined) return {};
  const values = new Map([...origin.values].filter(([, { type }]) => !isHalf(type?.dtype)));
  return { origin: { ...origin, values } };
}

function hasHalves(graph: Graph): boolean {
  if ([...graph.initializers.values()].some(({ dtype }) => isHalf(dtype))) return true;
  if ([...graph.inputs, ...graph.outputs].some((name) => isHalf(graph.types.get(name)?.dtype))) return true;
  return graph.nodes.some(({ attributes }) => widenedAttributes(attributes) !== attributes);
}

/** The argument if no attribute speaks of a 16-bit type. */
function widenedAttributes(attributes: Attributes): Attributes {
  const changed: Record<string, Attribute> = {};
  for (const [name, attribute] of Object.entries(attributes)) {
    if (attribute.type === "tensor" && isHalf(attribute.value.dtype))
      changed[name] = { type: "tensor", value: widened(attribute.value) };
    else if (attribute.type === "int" && TYPE_ATTRIBUTES.has(name) && isHalf(dataTypeOf(attribute.value)))
      changed[name] = int(dataTypeCode("float32"));
  }
  return Object.keys(changed).length === 0 ? attributes : { ...attributes, ...changed };
}

const widened = (tensor: Tensor) => tensorOf("float32", tensor.shape, asFloat32(tensor));

function fresh(wish: string, taken: Set<string>): string {
  let name = wish;
  for (let k = 1; taken.has(name); k++) name = `${wish}_${k}`;
  taken.add(name);
  return name;
}
