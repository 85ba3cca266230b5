import { elementCount, type Graph, tensorOf, tensorValues } from "../graph/index.ts";
import type { HostArray, HostTensor } from "../runtime/index.ts";

/**
 * Something valid to feed, when only shapes are of interest. Integers that select rows (token ids) are 0, which every
 * table has; other integers (masks) are 1; floats are 0.
 */
export function dummyFeeds(graph: Graph): Record<string, HostTensor> {
  const selects = selectors(graph);
  return Object.fromEntries(
    graph.inputs.map((name) => {
      const { dtype, shape } = graph.types.get(name)!;
      const sizes = shape as readonly number[];
      const fill = selects.has(name) || dtype.includes("float") ? 0 : 1;
      const tensor = tensorOf(dtype as "float32", sizes, new Array<number>(elementCount(sizes)).fill(fill));
      return [name, { dtype, shape: sizes, data: tensorValues(tensor) as HostArray }];
    }),
  );
}

/** Operators that hand indices on. */
const CARRIES = new Set(["Cast", "Reshape", "Unsqueeze", "Squeeze", "Identity", "Transpose", "Flatten", "Expand"]);

/** Values used as indices into a table, and those they are copied from. */
function selectors(graph: Graph): ReadonlySet<string> {
  const found = new Set<string>();
  for (const node of graph.nodes.toReversed()) {
    if (/^Gather|^OneHot$/.test(node.op)) found.add(node.inputs[node.op === "OneHot" ? 0 : 1] ?? "");
    else if (CARRIES.has(node.op) && found.has(node.outputs[0]!)) found.add(node.inputs[0]!);
  }
  return found;
}
