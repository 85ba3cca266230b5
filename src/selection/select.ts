import { checkPlacement, DEFAULT_RANK, type Edge, edgeKind, type PlacementEntry } from "../adapters/index.ts";
import { GraftError } from "../base/index.ts";
import type { EdgeScores } from "../scoring/index.ts";
import { type Budget, keepsTo, overBudget } from "./budget.ts";
import { formatSelector, parseSelector, type SelectorSpec } from "./parse-selector.ts";
import type { ChosenEdges, Selection, Selector } from "./selector.ts";
import { selectors } from "./selectors.ts";

export interface SelectOptions {
  /** How many hidden states the backbone has. */
  readonly states: number;
  /** Needed by `gga` and `top`; elsewhere they only annotate the edges. */
  readonly scores?: EdgeScores | undefined;
  /** Rank of adapters whose spec names none; default 8. */
  readonly defaultRank?: number | undefined;
  /** Seed of draws whose spec names none; default 0. */
  readonly seed?: number | undefined;
  /** GGA's γ; default 0.6. */
  readonly gamma?: number | undefined;
  /**
   * What adapters may cost, of `openBudget`. Selectors with a count pass over edges that would break it, and choose fewer
   * where nothing else fits; other placements have to keep to it.
   */
  readonly budget?: Budget | undefined;
}

/**
 * Turn a spec, or the `--place` text of one, into a placement.
 * @throws GraftError of `parseSelector`; SCORES_NEEDED, BAD_SCORES, COUNT_OUT_OF_RANGE, GAMMA_OUT_OF_RANGE,
 *         EDGE_OUT_OF_RANGE, RANK_OUT_OF_RANGE, DUPLICATE_EDGE, OVER_BUDGET
 */
export function select(spec: SelectorSpec | string, options: SelectOptions): Selection {
  const parsed = typeof spec === "string" ? parseSelector(spec) : spec;
  const text = typeof spec === "string" ? spec.trim() : formatSelector(spec);
  const { states, scores, budget, defaultRank = DEFAULT_RANK } = options;
  if (scores) checkScores(scores, states, text);
  const { edges, ties, asked } = "edges" in parsed ? asWritten(parsed.edges) : choose(parsed, text, options);
  const rankOf = ({ rank }: PlacementEntry) => rank ?? ("rank" in parsed ? parsed.rank : undefined) ?? defaultRank;
  const placement = edges.map((edge) => ({ from: edge.from, to: edge.to, rank: rankOf(edge) }));
  checkPlacement(placement, { states }, text);
  if (budget && !keepsTo(budget, placement))
    throw overBudget(text, `its ${placement.length} adapters`, budget.costOf(placement), budget);
  return {
    placement,
    edges: placement.map(({ from, to }) => {
      const edge = { from, to, kind: edgeKind({ from, to }) };
      return scores ? { ...edge, score: scores.matrix[from]![to]! } : edge;
    }),
    ties: ties ?? { picks: 0, drawn: 0 },
    ...(budget && { cost: budget.costOf(placement), unfilled: asked - edges.length }),
  };
}

/** Edges, and how many were asked for: a budget may leave fewer. */
interface Choice extends ChosenEdges {
  readonly edges: readonly PlacementEntry[];
  readonly asked: number;
}

const asWritten = (edges: readonly PlacementEntry[]): Choice => ({ edges, asked: edges.length });

/** No edge costs less: it makes nothing run twice. */
const CHEAPEST: Edge = { from: 0, to: 1 };

function choose(
  spec: Exclude<SelectorSpec, { edges: unknown }>,
  text: string,
  { states, scores, seed = 0, gamma, budget, defaultRank = DEFAULT_RANK }: SelectOptions,
): Choice {
  const selector: Selector = selectors[spec.selector];
  if (selector.needsScores && !scores) {
    throw new GraftError("SCORES_NEEDED", {
      thing: `placement "${text}"`,
      place: `${spec.selector} chooses by scores, and there are none`,
      remedy: "Score first (`graft score`, or scoreEdges) and pass the result, or choose a placement without scores",
    });
  }
  const most = selector.from.count(states);
  const count = selector.counted ? (spec.count ?? Number.NaN) : most;
  if (!(Number.isInteger(count) && count >= 0 && count <= most)) {
    throw new GraftError("COUNT_OUT_OF_RANGE", {
      thing: `placement "${text}"`,
      place: `${count} edges asked for; a backbone with ${states} states has ${most} ${selector.from.edges}`,
      remedy: `Choose a whole number from 0 to ${most}`,
    });
  }
  const rank = spec.rank ?? defaultRank;
  const placed = (edges: readonly Edge[]) => edges.map(({ from, to }) => ({ from, to, rank }));
  const fits = budget && selector.counted ? (edges: readonly Edge[]) => keepsTo(budget, placed(edges)) : undefined;
  const chosen = selector.choose({ states, count, seed: spec.seed ?? seed, gamma, scores, fits });
  if (budget && count > 0 && chosen.edges.length === 0)
    throw overBudget(
      text,
      "no edge fits, the cheapest being a parallel one",
      budget.costOf(placed([CHEAPEST])),
      budget,
    );
  return { ...chosen, asked: count };
}

/** The checks that protect selecting; `parseScores` says more about a file. */
function checkScores(scores: EdgeScores, states: number, text: string): void {
  for (const [name, rows] of Object.entries({ matrix: scores.matrix, tieBreak: scores.tieBreak ?? scores.matrix })) {
    if (rows.length !== states || rows.some((row) => row.length !== states)) {
      const found = `${rows.length}×${rows.find((row) => row.length !== states)?.length ?? rows.length}`;
      throw badScores(text, `their ${name} is ${found}, but the backbone has ${states} states`);
    }
    const bad = rows.flat().findIndex((value) => !(value >= 0 && value < Number.POSITIVE_INFINITY));
    if (bad >= 0) {
      const [from, to] = [Math.floor(bad / states), bad % states];
      throw badScores(text, `their ${name} holds ${rows[from]![to]} for edge (${from}, ${to}), not a number ≥ 0`);
    }
  }
}

const badScores = (text: string, problem: string): GraftError =>
  new GraftError("BAD_SCORES", {
    thing: `the scores for placement "${text}"`,
    place: problem,
    remedy: "Score this backbone again with `graft score`",
  });
