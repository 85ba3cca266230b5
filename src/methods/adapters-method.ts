import {
  adapterParameters,
  checkPlacement,
  foldAdapters,
  formatPlacement,
  initialAdapters,
  insertAdapters,
} from "../adapters/index.ts";
import { GraftError } from "../base/index.ts";
import type { AdaptersMethod } from "./method.ts";
import type { MethodKind } from "./method-kind.ts";

/** Adapters on edges between hidden states (docs/method.md); without an edge the linear head alone. Nothing to merge. */
export const adaptersMethod: MethodKind<AdaptersMethod> = {
  check({ states, name }, { placement, adapter }) {
    checkPlacement(placement, { states: states.length });
    if (adapter.insideBranch && placement.some(({ from, to }) => from === 0 && to === 0))
      throw new GraftError("EDGE_OUT_OF_RANGE", {
        thing: "edge (0, 0)",
        place: `no sub-layer of "${name}" leads to state 0, inside whose branch the adapter should be`,
        remedy: "Leave it out, or set insideBranch to false",
      });
  },
  parameters: ({ hiddenSize }, { placement, adapter }) => adapterParameters(placement, hiddenSize, adapter),
  start: ({ hiddenSize }, { placement, adapter }, seed) => initialAdapters(placement, hiddenSize, seed, adapter),
  insert: (g, graph, backbone, { placement, adapter }, tensors) =>
    insertAdapters(g, graph, backbone, placement, tensors, adapter),
  fold(method, tensors) {
    const folded = foldAdapters(method.placement, { tensors, options: method.adapter });
    return { method: { ...method, adapter: folded.options }, tensors: folded.tensors };
  },
  describe: ({ placement }) => formatPlacement(placement),
};
