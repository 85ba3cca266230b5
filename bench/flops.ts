import type { Graph } from "../src/graph/index.ts";

/** Floating-point operations of a static graph's products (MatMul, Gemm), which is where a transformer's lie. */
export function productFlops(graph: Graph): number {
  let flops = 0;
  for (const node of graph.nodes) {
    if (node.op !== "MatMul" && node.op !== "Gemm") continue;
    const out = shapeOf(graph, node.outputs[0]!);
    const left = shapeOf(graph, node.inputs[0]!);
    const transposed =
      node.op === "Gemm" && node.attributes.transA?.type === "int" && node.attributes.transA.value === 1;
    const inner = transposed ? left[0]! : left.at(-1)!;
    flops += 2 * inner * out.reduce((a, b) => a * b, 1);
  }
  return flops;
}

function shapeOf(graph: Graph, name: string): readonly number[] {
  const shape = graph.initializers.get(name)?.shape ?? graph.types.get(name)?.shape;
  if (!shape?.every((dim): dim is number => typeof dim === "number")) throw new Error(`shape of ${name} is not static`);
  return shape as readonly number[];
}
