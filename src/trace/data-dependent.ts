import { GraftError } from "../base/index.ts";
import { describeNode, type Graph, type Node } from "../graph/index.ts";
import type { Dependence } from "./dependence.ts";

/** Inputs that decide the shape of the result, by operator. */
const SHAPING_INPUTS: Readonly<Record<string, readonly number[]>> = {
  ConstantOfShape: [0],
  Expand: [1],
  OneHot: [1],
  Pad: [1],
  Range: [0, 1, 2],
  Reshape: [1],
  Resize: [2, 3],
  Slice: [1, 2, 4],
  Split: [1],
  Squeeze: [1],
  Tile: [1],
  TopK: [1],
  Unsqueeze: [1],
  Upsample: [1],
};

/** Operators whose result's shape depends on the values in their first input. */
const SHAPED_BY_VALUES = new Set(["NonZero", "Unique", "Compress", "NonMaxSuppression"]);

/**
 * Refuse a graph in which a shape depends on the values fed: such a graph has no static form.
 * @throws GraftError TRACE_DATA_DEPENDENT naming the node
 */
export function refuseDataDependentShapes(graph: Graph, dependence: ReadonlyMap<string, Dependence>): void {
  for (const node of graph.nodes) {
    const input = shapingInput(node, dependence);
    if (input === undefined) continue;
    throw new GraftError("TRACE_DATA_DEPENDENT", {
      thing: describeNode(node),
      place: `the shape of its result depends on the data fed, through "${input}"`,
      remedy: "graft needs shapes that follow from the inputs' shapes: export the model without this step",
    });
  }
}

function shapingInput(node: Node, dependence: ReadonlyMap<string, Dependence>): string | undefined {
  if (node.domain !== "") return undefined;
  const shaping = SHAPED_BY_VALUES.has(node.op) ? node.inputs.map((_, k) => k) : (SHAPING_INPUTS[node.op] ?? []);
  return shaping.map((k) => node.inputs[k]).find((name) => name && dependence.get(name) === "data");
}
