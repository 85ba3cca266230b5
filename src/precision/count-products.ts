import type { Graph, Node } from "../graph/index.ts";

/** Products of a graph that read a frozen weight. */
export interface FrozenProducts {
  readonly int8: number;
  /** Those that stay in float32, or as a quantised file has them: too small, or of another form. */
  readonly left: number;
}

/** Where a product that `quantizeFrozen` leaves has its weight. */
const WEIGHT_AT: Readonly<Record<string, number>> = {
  MatMul: 1,
  Gemm: 1,
  MatMulInteger: 1,
  DynamicQuantizeMatMul: 1,
  MatMulNBits: 1,
  QLinearMatMul: 3,
};

/** Count a graph's products with frozen weights, once `quantizeFrozen` has been at it. */
export function countProducts({ inputs, nodes }: Graph): FrozenProducts {
  const fed = new Set(inputs);
  let [int8, left] = [0, 0];
  for (const node of nodes) {
    if (!node.inputs.some((name) => fed.has(name))) continue;
    for (const name of node.outputs) fed.add(name);
    if (node.op === "MatMulIntegerToFloat") int8++;
    else if (node.op in WEIGHT_AT && !fed.has(weightOf(node))) left++;
  }
  return { int8, left };
}

const weightOf = ({ op, inputs }: Node): string => inputs[WEIGHT_AT[op]!]!;
