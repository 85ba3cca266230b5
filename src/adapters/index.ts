export { AdapterOptions, adapterInput, adapterParameters, initialAdapters } from "./adapter.ts";
export { directedAdapter, endsOf } from "./directed.ts";
export { foldAdapters } from "./fold.ts";
export { insertAdapters } from "./insert.ts";
export {
  checkPlacement,
  DEFAULT_RANK,
  type Edge,
  type EdgeKind,
  edgeKind,
  edgeKinds,
  formatPlacement,
  type PlacedEdge,
  type Placement,
  type PlacementEntry,
  parseEntries,
  parsePlacement,
} from "./placement.ts";
export { withoutEdge } from "./remove.ts";
