export {
  checkPlacement,
  DEFAULT_RANK,
  type Edge,
  type EdgeKind,
  edgeKind,
  formatPlacement,
  type PlacedEdge,
  type Placement,
  type PlacementEntry,
  parseEntries,
  parsePlacement,
} from "./placement.ts";
