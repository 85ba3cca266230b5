import { GraftError } from "../base/index.ts";

/** Where an adapter may go: it reads state `from` and adds to state `to`. */
export interface Edge {
  readonly from: number;
  readonly to: number;
}

/** An edge and the rank (width) of the adapter on it. */
export interface PlacedEdge extends Edge {
  readonly rank: number;
}

/** Distinct edges, in the order they were chosen. */
export type Placement = readonly PlacedEdge[];

/** The paper's four kinds, in its order. */
export const edgeKinds = ["sequential", "parallel", "long-range", "recurrent"] as const;
export type EdgeKind = (typeof edgeKinds)[number];

/** An adapter's rank where none is given. The paper leaves it open. */
export const DEFAULT_RANK = 8;

/** Which of the kinds an edge is (the paper's table of edges). (0, 0) is sequential, with no sub-layer before it: x_0 + A(x_0). */
export function edgeKind({ from, to }: Edge): EdgeKind {
  if (from === to) return "sequential";
  if (from > to) return "recurrent";
  return to === from + 1 ? "parallel" : "long-range";
}

/** An edge as written, its rank perhaps left open. */
export interface PlacementEntry extends Edge {
  readonly rank?: number;
}

/**
 * Read edges as written, e.g. `4-5,20-3@r16`: from, to and perhaps `@r` and a rank. `none` is no edge.
 * @throws GraftError BAD_PLACEMENT, RANK_OUT_OF_RANGE or DUPLICATE_EDGE, naming the entry
 */
export function parseEntries(text: string): PlacementEntry[] {
  if (text.trim() === "none") return [];
  const entries = text.split(",").map((part, k): PlacementEntry => {
    const match = /^(\d+)-(\d+)(?:@r(\d+))?$/.exec(part.trim());
    if (match) {
      const edge = { from: Number(match[1]), to: Number(match[2]) };
      return match[3] === undefined ? edge : { ...edge, rank: Number(match[3]) };
    }
    throw new GraftError("BAD_PLACEMENT", {
      thing: part.trim() === "" ? "an empty edge" : `edge "${part.trim()}"`,
      place: entryOf(text, k),
      remedy: "Write FROM-TO, or FROM-TO@rRANK, separated by commas: 4-5,20-3@r16",
    });
  });
  checkRanks(entries, text);
  checkDistinct(entries, text);
  return entries;
}

/**
 * Read a placement, e.g. `4-5,20-3@r16`.
 * @param states      how many hidden states the backbone has; state indices are 0..states − 1
 * @param defaultRank rank of entries that name none; default 8
 * @throws GraftError BAD_PLACEMENT, EDGE_OUT_OF_RANGE, RANK_OUT_OF_RANGE or DUPLICATE_EDGE, naming the entry
 */
export function parsePlacement(
  text: string,
  { states, defaultRank = DEFAULT_RANK }: { readonly states: number; readonly defaultRank?: number },
): Placement {
  const placement = parseEntries(text).map(({ from, to, rank = defaultRank }) => ({ from, to, rank }));
  checkPlacement(placement, { states }, text);
  return placement;
}

/** Write a placement so that `parsePlacement` reads it back: every rank is written, no edge is `none`. */
export function formatPlacement(placement: Placement): string {
  if (placement.length === 0) return "none";
  return placement.map(({ from, to, rank }) => `${from}-${to}@r${rank}`).join(",");
}

/**
 * Check a placement that may come from anywhere: state indices in 0..states − 1, ranks whole and at least 1, no edge twice.
 * @param text how the placement was written, for the error
 * @throws GraftError EDGE_OUT_OF_RANGE, RANK_OUT_OF_RANGE or DUPLICATE_EDGE, naming the entry
 */
export function checkPlacement(
  placement: Placement,
  { states }: { readonly states: number },
  text = formatPlacement(placement),
): void {
  for (const [k, edge] of placement.entries()) {
    if ([edge.from, edge.to].every((state) => Number.isInteger(state) && state >= 0 && state < states)) continue;
    throw new GraftError("EDGE_OUT_OF_RANGE", {
      thing: `edge (${edge.from}, ${edge.to})`,
      place: `${entryOf(text, k)}; the backbone has states 0 to ${states - 1}`,
      remedy: "`graft inspect` lists them",
    });
  }
  checkRanks(placement, text);
  checkDistinct(placement, text);
}

/** Far more than any hidden size; a rank beyond it is a slip whose tensors no memory holds. */
const MAX_RANK = 65_536;

function checkRanks(entries: readonly PlacementEntry[], text: string): void {
  for (const [k, { from, to, rank }] of entries.entries()) {
    if (rank === undefined || (Number.isInteger(rank) && rank >= 1 && rank <= MAX_RANK)) continue;
    throw new GraftError("RANK_OUT_OF_RANGE", {
      thing: `rank ${rank} of edge (${from}, ${to})`,
      place: entryOf(text, k),
      remedy: "A rank is a whole number, 1 or more, and much less than the backbone's hidden size",
    });
  }
}

function checkDistinct(entries: readonly PlacementEntry[], text: string): void {
  const seen = new Map<string, number>();
  for (const [k, { from, to }] of entries.entries()) {
    const first = seen.get(`${from}-${to}`);
    if (first !== undefined) {
      throw new GraftError("DUPLICATE_EDGE", {
        thing: `edge (${from}, ${to})`,
        place: `${entryOf(text, k)} repeats entry ${first + 1}`,
        remedy: "Name each edge once; for more capacity there, raise its rank (@r16)",
      });
    }
    seen.set(`${from}-${to}`, k);
  }
}

const entryOf = (text: string, k: number): string =>
  `placement "${text.length > 60 ? `${text.slice(0, 59)}…` : text}", entry ${k + 1}`;
