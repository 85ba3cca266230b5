import { attribute } from "./attributes.ts";
import type { Graph } from "./types.ts";

/** Operators that multiply matrices, their second input being [inner, columns] or a packed form of it. */
const PRODUCTS = new Set(["MatMul", "Gemm", "FusedMatMul", "MatMulInteger", "MatMulIntegerToFloat", "MatMulNBits"]);

/**
 * Floating-point operations of a static graph's matrix products, which is where a transformer's lie; integer products
 * count alike.
 */
export function productFlops(graph: Graph): number {
  let flops = 0;
  for (const node of graph.nodes) {
    if (!PRODUCTS.has(node.op)) continue;
    const left = staticDims(graph, node.inputs[0]!);
    const transposed = attribute(node, "transA", "int", 0) === 1;
    const inner = left.at(transposed ? -2 : -1)!;
    flops += 2 * inner * staticDims(graph, node.outputs[0]!).reduce((a, b) => a * b, 1);
  }
  return flops;
}

function staticDims(graph: Graph, name: string): readonly number[] {
  const shape = graph.initializers.get(name)?.shape ?? graph.types.get(name)?.shape;
  if (!shape?.every((dim) => typeof dim === "number")) throw new TypeError(`the shape of "${name}" is not static`);
  return shape;
}
