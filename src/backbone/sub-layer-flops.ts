import { type Graph, productFlops } from "../graph/index.ts";
import type { Backbone } from "./backbone.ts";

/** Floating-point operations of a forward pass, by where they lie. */
export interface SubLayerFlops {
  /** What leads to state 0. */
  readonly before: number;
  /** Sub-layer k leads from state k to k + 1; one fewer than there are states. */
  readonly subLayers: readonly number[];
  /** What leads from the last state to the features. */
  readonly after: number;
}

/**
 * Cut a forward pass into sub-layers and count the operations of their matrix products; element by element work and
 * convolutions are left out. What several states need counts for the first of them.
 * @param traced  the backbone's graph with static shapes
 */
export function subLayerFlops(
  { states, features }: Pick<Backbone, "states" | "features">,
  traced: Graph,
): SubLayerFlops {
  const makers = new Map(traced.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const counted = new Set<Graph["nodes"][number]>();
  const upTo = (name: string): number => {
    const fresh: Graph["nodes"][number][] = [];
    const open = [name];
    for (let value = open.pop(); value !== undefined; value = open.pop()) {
      const node = makers.get(value);
      if (!node || counted.has(node)) continue;
      counted.add(node);
      fresh.push(node);
      for (const input of node.inputs) if (input !== undefined) open.push(input);
    }
    return productFlops({ ...traced, nodes: fresh });
  };
  const [before = 0, ...subLayers] = states.map(upTo);
  return { before, subLayers, after: upTo(features) };
}
