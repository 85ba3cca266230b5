import type { Placement } from "../adapters/index.ts";
import type { Backbone } from "../backbone/index.ts";
import { arcDiagramSvg } from "../report/index.ts";
import type { SelectedEdge } from "../selection/index.ts";

/** SVG of the adapters on the backbone, with the scores they were chosen by; undefined where there is no adapter. */
export function placementPicture(
  { states }: Backbone,
  placement: Placement,
  edges: readonly SelectedEdge[] = [],
): string | undefined {
  if (placement.length === 0) return undefined;
  const scoreOf = ({ from, to }: { readonly from: number; readonly to: number }) =>
    edges.find((edge) => edge.from === from && edge.to === to)?.score;
  return arcDiagramSvg({
    states: states.length,
    arcs: placement.map((edge) => ({ ...edge, score: scoreOf(edge) })),
  });
}
