import type { Graph, Node } from "../graph/index.ts";

/** Look-ups over a traced graph: who makes and reads a value, its shape, and whether it depends on the data fed. */
export interface GraphIndex {
  readonly graph: Graph;
  /** Position of the node that makes a value; −1 for inputs and initializers. */
  position(name: string): number;
  producer(name: string): Node | undefined;
  consumers(name: string): readonly Node[];
  shape(name: string): readonly number[];
  isData(name: string): boolean;
}

export function indexGraph(graph: Graph): GraphIndex {
  const positions = new Map<string, number>();
  const consumers = new Map<string, Node[]>();
  const data = new Set(graph.inputs);
  graph.nodes.forEach((node, k) => {
    const reads = new Set(node.inputs.filter((name) => name !== ""));
    for (const name of reads) {
      const list = consumers.get(name);
      if (list) list.push(node);
      else consumers.set(name, [node]);
    }
    const isData = node.inputs.some((name) => data.has(name));
    for (const name of node.outputs) {
      positions.set(name, k);
      if (isData) data.add(name);
    }
  });
  return {
    graph,
    position: (name) => positions.get(name) ?? -1,
    producer: (name) => graph.nodes[positions.get(name) ?? -1],
    consumers: (name) => consumers.get(name) ?? [],
    shape: (name) => (graph.initializers.get(name)?.shape ?? graph.types.get(name)?.shape ?? []) as readonly number[],
    isData: (name) => data.has(name),
  };
}

/** Operators that change a value's shape or type only. */
const VIEWS = new Set(["Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity", "Cast"]);

/** A value, and those it is merely another view of or a multiple of (by a constant number), nearest first. */
export function views(index: GraphIndex, name: string): readonly string[] {
  const chain = [name];
  for (let at = name; ; ) {
    const node = index.producer(at);
    const next = node && viewed(index, node);
    if (next === undefined) return chain;
    chain.push(next);
    at = next;
  }
}

function viewed(index: GraphIndex, node: Node): string | undefined {
  if (node.domain !== "") return undefined;
  if (VIEWS.has(node.op)) return node.inputs[0];
  if (node.op !== "Mul") return undefined;
  const isScalar = (name: string) => !index.isData(name) && index.shape(name).every((size) => size === 1);
  const [x, y] = node.inputs as [string, string];
  return isScalar(y) ? x : isScalar(x) ? y : undefined;
}

/** Products with a weight: operators through which a sub-layer's computation must pass. */
export function isWeightedProduct(index: GraphIndex, node: Node): boolean {
  if (!/^(MatMul|Gemm|Conv|Einsum|MatMulInteger|QLinearMatMul|MatMulNBits)$/.test(node.op)) return false;
  const [x, y] = node.inputs as [string, string];
  return index.isData(x) !== index.isData(y) || (node.inputs.length > 2 && node.op !== "Gemm");
}

export const sameShape = (a: readonly number[], b: readonly number[]) =>
  a.length === b.length && a.every((size, k) => size === b[k]);
