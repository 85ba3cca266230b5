import type { Edge, EdgeKind, Placement } from "../adapters/index.ts";
import { nameSeed, random } from "../base/index.ts";
import type { EdgeScores } from "../scoring/index.ts";
import type { PlacementCost } from "./budget.ts";

/** One way to choose edges. Adding one: a file with this shape, and a line in `selectors.ts`. */
export interface Selector {
  /** How it is written, e.g. `gga:3`. */
  readonly usage: string;
  readonly summary: string;
  /** Whether a count follows its name; otherwise it chooses all it can. */
  readonly counted: boolean;
  /** Whether it draws, so that `@7` after the count (the seed) means something. */
  readonly seeded: boolean;
  readonly needsScores: boolean;
  /** How many edges it can choose among, and their name. */
  readonly from: { readonly edges: string; count(states: number): number };
  /** `count` lies in 0..from.count(states); `scores` is there, with `states` rows, if `needsScores`. */
  choose(request: SelectorRequest): ChosenEdges;
}

export interface SelectorRequest {
  readonly states: number;
  readonly count: number;
  readonly seed: number;
  /** GGA's discount; undefined leaves it at the paper's 0.6. */
  readonly gamma: number | undefined;
  readonly scores: EdgeScores | undefined;
  /**
   * Whether a set of edges keeps to the budget; absent where there is none. A set that does not fit fits no better with
   * more edges. With a budget fewer edges than `count` may be chosen: those that would break it are passed over.
   */
  readonly fits?: ((edges: readonly Edge[]) => boolean) | undefined;
}

export interface ChosenEdges {
  /** Distinct, in the order they were chosen. */
  readonly edges: readonly Edge[];
  readonly ties?: Ties;
}

/** How often the best score did not decide. */
export interface Ties {
  /** Picks at which several edges shared the best score. */
  readonly picks: number;
  /** Those of them that the entropy rank did not decide either, so that a seeded draw did. */
  readonly drawn: number;
}

export interface SelectedEdge extends Edge {
  readonly kind: EdgeKind;
  /** As scored, before any discount; absent where there were no scores. `Selection.scoreName` says what it is. */
  readonly score?: number;
}

/** One number of adapters that `auto` tried. */
export interface CountPoint {
  readonly count: number;
  /** Validation metric of each seed's training; larger is better. */
  readonly values: readonly number[];
  /** Mean over seeds of what it lacks to the best count, same seed with same seed; 0 of the best. */
  readonly behind: number;
  /** Standard error of that mean; NaN with one seed. */
  readonly error: number;
}

/** What selecting gives. */
export interface Selection {
  /** The edges with their ranks: what training takes. */
  readonly placement: Placement;
  /** The same edges, in the same order, with what is known of them. */
  readonly edges: readonly SelectedEdge[];
  readonly ties: Ties;
  /** What the edges' scores are, where they are not of the scores that were given or made. */
  readonly scoreName?: string;
  /** What it costs, where there is a budget. */
  readonly cost?: PlacementCost;
  /** Edges that were asked for and no longer fit the budget; absent where there is none. */
  readonly unfilled?: number;
  /** Of `auto`: what each number of adapters came to. */
  readonly curve?: readonly CountPoint[];
}

/** The parallel edges (i, i + 1), early ones first; n − 1 of n states. */
export const parallelEdges = (states: number): Edge[] =>
  Array.from({ length: Math.max(0, states - 1) }, (_, i) => ({ from: i, to: i + 1 }));

/** The sequential edges (i, i) after each sub-layer, early ones first; state 0 has no sub-layer before it. */
export const sequentialEdges = (states: number): Edge[] =>
  Array.from({ length: Math.max(0, states - 1) }, (_, i) => ({ from: i + 1, to: i + 1 }));

/** All n² edges in an order drawn with a seed. @param stream  tells apart what is drawn with one seed */
export const drawnEdges = (states: number, seed: number, stream: string): Edge[] =>
  Array.from(random(seed, nameSeed(stream)).permutation(states * states), (at) => ({
    from: Math.floor(at / states),
    to: at % states,
  }));

/** The first `count` of the candidates that fit together, each after those before it. */
export function takeFitting<E extends Edge>(
  candidates: readonly E[],
  count: number,
  fits: SelectorRequest["fits"],
): E[] {
  if (!fits) return candidates.slice(0, count);
  const edges: E[] = [];
  for (const edge of candidates) {
    if (edges.length === count) break;
    if (fits([...edges, edge])) edges.push(edge);
  }
  return edges;
}
