import {
  type Builder,
  constantTensor,
  createBuilder,
  elementCount,
  type Graph,
  int,
  type Node,
  prune,
  sortNodes,
  type Tensor,
  tensorOf,
  tensorValues,
  type Value,
} from "../graph/index.ts";

/**
 * A quantised file's products with frozen weights as float products over the dequantised weights, which `quantizeFrozen`
 * takes back as bytes: x · DequantizeLinear(W₈). What the file does to the activation (one scale for the whole batch, or one
 * fixed beforehand) falls away, to make room for a scale for each row. Known are
 *
 *   DynamicQuantizeLinear, MatMulInteger or ConvInteger, Cast, Mul   (quantize_dynamic)
 *   DynamicQuantizeMatMul, MatMulIntegerToFloat                      (what the runtime makes of it)
 *   QuantizeLinear, DequantizeLinear, MatMul or Gemm                 (QDQ)
 *
 * Other forms (MatMulNBits, QLinearMatMul) stay as they are, and so do products of two activations. Values keep their names.
 * @returns the argument if it has no such product
 */
export function floatProducts(graph: Graph): Graph {
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const g = createBuilder(graph);
  const replaced = new Map<Node, Node>();
  for (const node of graph.nodes) {
    const float = ofDynamic(g, graph, makers, node) ?? ofFused(g, graph, makers, node) ?? ofPairs(graph, makers, node);
    if (float) replaced.set(node, { ...float, name: node.name, outputs: node.outputs });
  }
  if (replaced.size === 0) return graph;
  const built = g.toGraph(graph.outputs);
  return prune(sortNodes({ ...built, nodes: built.nodes.map((node) => replaced.get(node) ?? node) }));
}

type Makers = ReadonlyMap<string, Node>;
/** A node to be, its name and outputs those of the one it replaces. */
type Call = Pick<Node, "op" | "domain" | "inputs" | "attributes">;

const call = (op: string, inputs: readonly string[], attributes: Node["attributes"] = {}): Call => ({
  ...{ op, domain: "", inputs, attributes },
});

/** Mul(Cast(MatMulInteger(q, W, zero, zero of W)), Mul(scale, scale of W)), q, scale and zero from one DynamicQuantizeLinear */
function ofDynamic(g: Builder, graph: Graph, makers: Makers, node: Node): Call | undefined {
  if (node.op !== "Mul") return undefined;
  const parents = node.inputs.map((name) => makers.get(name));
  const [cast, scales] = [
    parents.find((parent) => parent?.op === "Cast"),
    parents.find((parent) => parent?.op === "Mul"),
  ];
  const product = makers.get(cast?.inputs[0] ?? "");
  const from = makers.get(product?.inputs[0] ?? "");
  if (!scales || !/^(MatMul|Conv)Integer$/.test(product?.op ?? "") || from?.op !== "DynamicQuantizeLinear")
    return undefined;
  const { inputs, attributes } = product!;
  const scale = scales.inputs.find((name) => name !== from.outputs[1]);
  if (!scales.inputs.includes(from.outputs[1]!) || inputs[0] !== from.outputs[0]) return undefined;
  const weights = dequantized(g, graph, inputs[1], scale, inputs[3]);
  return (
    weights && call(product!.op === "ConvInteger" ? "Conv" : "MatMul", [from.inputs[0]!, weights.name], attributes)
  );
}

/** One operator that quantises its activation, or takes it quantised, and gives floats, with a bias. */
function ofFused(g: Builder, graph: Graph, makers: Makers, { op, inputs }: Node): Call | undefined {
  let [x, weights, bias]: [string?, Value?, string?] = [];
  if (op === "DynamicQuantizeMatMul") {
    x = inputs[0];
    weights = dequantized(g, graph, inputs[1], inputs[2], inputs[3]);
    bias = inputs[4];
  }
  if (op === "MatMulIntegerToFloat") {
    const from = makers.get(inputs[0]!);
    if (from?.op === "DynamicQuantizeLinear" && inputs[0] === from.outputs[0] && inputs[2] === from.outputs[1])
      x = from.inputs[0];
    weights = dequantized(g, graph, inputs[1], inputs[3], inputs[5]);
    bias = inputs[6];
  }
  if (!x || !weights) return undefined;
  return bias ? call("Add", [g.matmul(g.value(x), weights).name, bias]) : call("MatMul", [x, weights.name]);
}

/** MatMul(DequantizeLinear(QuantizeLinear(x)), W), W a constant or dequantised from one */
function ofPairs(graph: Graph, makers: Makers, node: Node): Call | undefined {
  if (node.op !== "MatMul" && node.op !== "Gemm") return undefined;
  const weights = makers.get(node.inputs[1]!);
  const isFrozen = constantTensor(graph, weights?.op === "DequantizeLinear" ? weights.inputs[0]! : node.inputs[1]!);
  const back = makers.get(node.inputs[0]!);
  const there = back?.op === "DequantizeLinear" ? makers.get(back.inputs[0]!) : undefined;
  if (!isFrozen || there?.op !== "QuantizeLinear") return undefined;
  return call(node.op, [there.inputs[0]!, ...node.inputs.slice(1)], node.attributes);
}

/** What constant bytes stand for; a scale and a zero point in all, or one for each of the last axis. */
function dequantized(g: Builder, graph: Graph, bytes?: string, scale?: string, zero?: string): Value | undefined {
  const [q, s, z] = [bytes, scale, zero].map((name) => (name ? constantTensor(graph, name) : undefined));
  if (!bytes || !q || !s || (zero && !z)) return undefined;
  const count = Math.max(elementCount(s.shape), z ? elementCount(z.shape) : 1);
  if (count > 1 && count !== q.shape.at(-1)) return undefined;
  const per = (tensor: Tensor) => {
    const values = tensorValues(tensor) as Float32Array;
    const repeated = values.length === count ? values : new Float32Array(count).fill(values[0]!);
    return g.constant(tensorOf(tensor.dtype as "float32", count === 1 ? [] : [count], [...repeated]));
  };
  const inputs = [g.value(bytes), per(s), z && per(z)];
  return g.op("DequantizeLinear", inputs, count === 1 ? {} : { axis: int(q.shape.length - 1) });
}
