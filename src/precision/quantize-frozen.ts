import {
  attribute,
  type Builder,
  createBuilder,
  elementCount,
  type Graph,
  int,
  type Node,
  prune,
  sortNodes,
  tensorOf,
  type Value,
} from "../graph/index.ts";
import { frozenWeights, type WeightCache, weightCache } from "./frozen-weights.ts";
import type { Int8Weights, WeightLimit } from "./int8-weights.ts";

export interface QuantizeOptions {
  /** Default 127; `int8Limit` says what a runtime's products allow. */
  readonly limit?: WeightLimit;
  /** Weights with fewer numbers than this stay as they are; default 4096. */
  readonly least?: number;
  /** Shared by graphs of the same weights, so that each is quantised once. */
  readonly cache?: WeightCache;
}

/** Below this a product is not what takes time. */
const LEAST_ELEMENTS = 4096;

/** Operators whose results are hardly ever negative (GELU: -0.17 at the least), so that most bytes belong above 0. */
const POSITIVE: readonly string[] = ["Gelu", "Relu"];

/**
 * Products of an activation with a frozen weight in whole numbers: x · W becomes
 *
 *   r · ( round(x / r) · W₈ · s ),  r = max |x| / 127 of each row,  W ≈ W₈ · s with a scale for each column,
 *
 * forward and, in a step graph, backward (x a cotangent, W turned) alike; after GELU and ReLU r = max(max x / 223, −min x / 31).
 * A row's result depends on that row alone.
 * Whatever a graph input reaches on both sides (attention, adapters) and everything that is no product stays float32.
 * Values keep their names.
 * @returns the argument if it has no such product
 */
export function quantizeFrozen(graph: Graph, options: QuantizeOptions = {}): Graph {
  const { limit = 127, least = LEAST_ELEMENTS, cache = weightCache() } = options;
  const g = createBuilder(graph);
  const weightsOf = frozenWeights(graph, limit, cache);
  const positive = new Set(graph.nodes.filter(({ op }) => POSITIVE.includes(op)).flatMap(({ outputs }) => outputs));
  const replaced = new Map<Node, Node>();
  for (const node of graph.nodes) {
    const isFlipped = flipOf(node);
    if (isFlipped === undefined || weightsOf(node.inputs[0]!, false)) continue;
    const weights = weightsOf(node.inputs[1]!, isFlipped);
    if (weights === undefined || elementCount(weights.values.shape) < least) continue;
    const zero = positive.has(node.inputs[0]!) ? 32 : 128;
    const { product, rowScale } = int8Product(g, g.value(node.inputs[0]!), zero, weights);
    const bias = node.inputs[2];
    replaced.set(
      node,
      bias
        ? { ...node, op: "Add", inputs: [g.mul(product, rowScale).name, bias], attributes: {} }
        : { ...node, op: "Mul", inputs: [product.name, rowScale.name], attributes: {} },
    );
  }
  if (replaced.size === 0) return graph;
  const built = g.toGraph(graph.outputs);
  return prune(sortNodes({ ...built, nodes: built.nodes.map((node) => replaced.get(node) ?? node) }));
}

/** Whether a product reads its second operand turned; undefined for what is no plain product. */
function flipOf(node: Node): boolean | undefined {
  if (node.domain !== "") return undefined;
  if (node.op === "MatMul") return false;
  if (node.op !== "Gemm" || attribute(node, "transA", "int", 0) !== 0) return undefined;
  const isPlain = (name: string) => attribute(node, name, "float", 1) === 1;
  return isPlain("alpha") && isPlain("beta") ? attribute(node, "transB", "int", 0) === 1 : undefined;
}

/** The least scale: a row of zeros has one, too. */
const SMALLEST = 1e-30;

/** x · W as `product` · `rowScale`; `zero` is the byte that stands for 0. */
function int8Product(g: Builder, x: Value, zero: number, { values, scale, zero: weightZero }: Int8Weights) {
  // The largest and the least number: one pass each over x, and none that writes.
  const above = g.mul(g.reduceMax(x, [-1]), g.scalar(1 / (255 - zero)));
  const below = g.mul(g.reduceMin(x, [-1]), g.scalar(-1 / (zero - 1)));
  const rowScale = g.op("Max", [above, below, g.scalar(SMALLEST)]); // [..., 1]
  const middle = g.constant(tensorOf("uint8", [], [zero]));
  const inner = values.shape[0]!;
  const rows = g.op("Reshape", [x, g.integers([-1, inner])]);
  const scales = g.op("Reshape", [rowScale, g.integers([-1])]);
  const middles = g.op("Expand", [middle, g.op("Shape", [scales])]);
  const flat = g.op("QuantizeLinear", [rows, scales, middles], { axis: int(0) });
  const bytes = g.op("Reshape", [flat, g.op("Shape", [x])]); // uint8, of x's shape
  const weights = [g.constant(values), g.scalar(1), g.constant(scale), middle, weightZero && g.constant(weightZero)];
  const product = g.op("MatMulIntegerToFloat", [bytes, ...weights], {}, { domain: "com.microsoft" });
  return { product, rowScale };
}
