import { type Tensor, tensorBytes } from "../graph/index.ts";
import { nameOf } from "./adapter.ts";
import type { Edge } from "./placement.ts";

/** The same tensors with the adapter on one edge at its start again, where it adds nothing: W_up and its bias are 0. */
export function withoutEdge(tensors: ReadonlyMap<string, Tensor>, edge: Edge): Map<string, Tensor> {
  const without = new Map(tensors);
  for (const name of [nameOf(edge, "up.weight"), nameOf(edge, "up.bias")]) {
    const tensor = tensors.get(name);
    if (tensor) without.set(name, { ...tensor, bytes: new Uint8Array(tensorBytes(tensor)) });
  }
  return without;
}
