import type { Graph, Node } from "../graph/index.ts";

/** Products of quantised operands, and where their two operands stand. */
const PRODUCTS: Readonly<Record<string, readonly [number, number]>> = {
  MatMulInteger: [0, 1],
  MatMulIntegerToFloat: [0, 1],
  DynamicQuantizeMatMul: [0, 1],
  MatMulNBits: [0, 1],
  QLinearMatMul: [0, 3],
};

/**
 * A quantised graph as the float graph it stands for, to be looked at, not run: what quantises or dequantises activations
 * is another name for the value it reads, and a product of quantised operands is a MatMul. Values keep their names.
 * @returns the argument if nothing in it is quantised
 */
export function withoutQuantizers(graph: Graph): Graph {
  const quantised = ({ op }: Node) => op in PRODUCTS || /^(Dynamic)?QuantizeLinear$|^DequantizeLinear$/.test(op);
  if (!graph.nodes.some(quantised)) return graph;
  const outputs = new Set(graph.outputs);
  const alias = new Map<string, string>();
  const data = new Set(graph.inputs);
  const nodes = graph.nodes.flatMap((node): readonly Node[] => {
    const inputs = node.inputs.map((name) => alias.get(name) ?? name);
    const isData = inputs.some((name) => data.has(name));
    const [result, ...others] = node.outputs as [string, ...string[]];
    if (quantised(node) && isData && !(node.op in PRODUCTS)) {
      // Scales and zero points found at run time belong to the quantiser: nothing makes them any more.
      if (outputs.has(result) || others.some((name) => outputs.has(name)))
        return [{ ...node, op: "Identity", domain: "", inputs: [inputs[0]!], outputs: [result] }];
      alias.set(result, inputs[0]!);
      return [];
    }
    if (isData) for (const name of node.outputs) data.add(name);
    return [isData && node.op in PRODUCTS ? asProduct(node, inputs, data) : { ...node, inputs }];
  });
  return { ...graph, nodes };
}

/** Scales and the like stay among the inputs of a product with a weight: they are part of it. */
function asProduct(node: Node, inputs: readonly string[], data: ReadonlySet<string>): Node {
  const [at, by] = PRODUCTS[node.op]!;
  const [x, y] = [inputs[at]!, inputs[by]!];
  const rest = data.has(x) && data.has(y) ? [] : inputs.filter((_, k) => k !== at && k !== by);
  return { ...node, op: "MatMul", domain: "", inputs: [x, y, ...rest] };
}
