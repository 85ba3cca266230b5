import { asNumbers, type Graph, type Node, type Tensor, tensorOf } from "../graph/index.ts";

/** Outputs a Split may have: WebGPU promises a shader eight buffers, and one is the input. */
const MOST = 7;

/**
 * `a, b, … = Split(x)` with more outputs than a WebGPU shader has buffers for → a Split into groups, and one of each
 * group. The same numbers; needed where every parameter is cut out of one vector.
 */
export function narrowSplits(graph: Graph): Graph {
  if (!graph.nodes.some((node) => isWide(graph, node))) return graph;
  const initializers = new Map(graph.initializers);
  let count = 0;
  const constant = (sizes: readonly number[]) => {
    const name = `graft/narrow_sizes_${count}`;
    initializers.set(name, tensorOf("int64", [sizes.length], sizes.map(BigInt)));
    return name;
  };
  const narrow = (node: Node, sizes: readonly number[]): Node[] => {
    if (sizes.length <= MOST) return [{ ...node, inputs: [node.inputs[0]!, constant(sizes)] }];
    const groupSize = Math.ceil(sizes.length / MOST);
    const groups = Array.from({ length: Math.ceil(sizes.length / groupSize) }, (_, k) => {
      const part = <T>(all: readonly T[]) => all.slice(k * groupSize, (k + 1) * groupSize);
      count++;
      return { name: `graft/narrow_${count}`, sizes: part(sizes), outputs: part(node.outputs) };
    });
    const whole = constant(groups.map((group) => group.sizes.reduce((sum, size) => sum + size, 0)));
    return [
      { ...node, inputs: [node.inputs[0]!, whole], outputs: groups.map(({ name }) => name) },
      ...groups.flatMap((group) => {
        count++;
        return narrow({ ...node, name: group.name, inputs: [group.name], outputs: group.outputs }, group.sizes);
      }),
    ];
  };
  const nodes = graph.nodes.flatMap((node) => {
    if (!isWide(graph, node)) return [node];
    count++;
    return narrow(node, sizesOf(graph, node)!);
  });
  return { ...graph, nodes, initializers };
}

const isWide = (graph: Graph, node: Node): boolean =>
  node.op === "Split" && node.domain === "" && node.outputs.length > MOST && sizesOf(graph, node) !== undefined;

/** Sizes of a Split's parts, where they are constants. */
function sizesOf({ initializers }: Graph, { inputs }: Node): readonly number[] | undefined {
  const sizes: Tensor | undefined = initializers.get(inputs[1] ?? "");
  return sizes && asNumbers(sizes);
}
