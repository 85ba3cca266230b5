import {
  asFloat32,
  constantTensor,
  float32View,
  type Graph,
  type Node,
  prune,
  type Tensor,
  tensorMadeOf,
  transposed,
} from "../graph/index.ts";

/** A frozen value as a float32 tensor: as the file keeps it, widened from 16 bits, or transposed; undefined for others. */
export function frozenTensor(graph: Graph, name: string): Tensor | undefined {
  const constant = graph.initializers.get(name) ?? constantTensor(graph, name);
  if (constant) return constant.dtype === "float32" ? constant : undefined;
  const node = producerOf(graph, name);
  const source = node?.inputs[0];
  if (node === undefined || source === undefined || node.domain !== "") return undefined;
  if (node.op === "Identity") return frozenTensor(graph, source);
  if (node.op === "Cast") return widened(graph.initializers.get(source) ?? constantTensor(graph, source));
  const tensor = node.op === "Transpose" ? frozenTensor(graph, source) : undefined;
  return tensor?.shape.length === 2 ? turned(tensor) : undefined;
}

/** A graph whose given values are these constants; what made them goes. */
export function withTensors(graph: Graph, tensors: ReadonlyMap<string, Tensor>): Graph {
  return prune({
    ...graph,
    nodes: graph.nodes.filter(({ outputs }) => !outputs.some((name) => tensors.has(name))),
    initializers: new Map([...graph.initializers, ...tensors]),
  });
}

const producerOf = (graph: Graph, name: string): Node | undefined =>
  graph.nodes.find(({ outputs }) => outputs.includes(name));

const wide = new WeakMap<Tensor, Tensor>();

function widened(tensor: Tensor | undefined): Tensor | undefined {
  if (tensor?.dtype !== "float16" && tensor?.dtype !== "bfloat16") return undefined;
  const known = wide.get(tensor) ?? tensorMadeOf(tensor, tensor.shape, asFloat32);
  wide.set(tensor, known);
  return known;
}

export function turned(tensor: Tensor): Tensor {
  const [rows, columns] = tensor.shape as [number, number];
  return tensorMadeOf(tensor, [columns, rows], (source, into) => transposed(float32View(source), rows, columns, into));
}
