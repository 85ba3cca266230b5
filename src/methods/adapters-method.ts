import {
  adapterParameters,
  checkPlacement,
  formatPlacement,
  initialAdapters,
  insertAdapters,
} from "../adapters/index.ts";
import type { AdaptersMethod } from "./method.ts";
import type { MethodKind } from "./method-kind.ts";

/** Adapters on edges between hidden states (docs/method.md); without an edge the linear head alone. Nothing to merge. */
export const adaptersMethod: MethodKind<AdaptersMethod> = {
  check: ({ states }, { placement }) => checkPlacement(placement, { states: states.length }),
  parameters: ({ hiddenSize }, { placement, adapter }) => adapterParameters(placement, hiddenSize, adapter),
  start: ({ hiddenSize }, { placement, adapter }, seed) => initialAdapters(placement, hiddenSize, seed, adapter),
  insert: (g, graph, backbone, { placement, adapter }, tensors) =>
    insertAdapters(g, graph, backbone, placement, tensors, adapter),
  describe: ({ placement }) => formatPlacement(placement),
};
