import {
  checkPlacement,
  DEFAULT_RANK,
  type Edge,
  edgeKind,
  type Placement,
  type PlacementEntry,
} from "../adapters/index.ts";
import { GraftError } from "../base/index.ts";
import { type CoarseOptions, type EdgeScores, isOnStride, knownScore } from "../scoring/index.ts";
import { type Budget, keepsTo, overBudget } from "./budget.ts";
import { formatSelector, isTaskSelector, type NamedSpec, parseSelector, type SelectorSpec } from "./parse-selector.ts";
import type { Selection, Selector, SelectorRequest } from "./selector.ts";
import { selectors } from "./selectors.ts";
import type { TaskChoice } from "./task-selector.ts";

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
 *         EDGE_OUT_OF_RANGE, RANK_OUT_OF_RANGE, DUPLICATE_EDGE, OVER_BUDGET; TASK_NEEDED for what trains to choose
 */
export function select(spec: SelectorSpec | string, options: SelectOptions): Selection {
  const parsed = typeof spec === "string" ? parseSelector(spec) : spec;
  const text = typeof spec === "string" ? spec.trim() : formatSelector(spec);
  if (options.scores) checkScores(options.scores, options.states, text);
  if ("edges" in parsed) return selectionOf({ edges: parsed.edges }, text, options);
  if (isTaskSelector(parsed)) throw taskNeeded(text);
  const selector: Selector = selectors[parsed.selector];
  if (selector.needsScores && !options.scores) {
    throw new GraftError("SCORES_NEEDED", {
      thing: `placement "${text}"`,
      place: `${parsed.selector} chooses by scores, and there are none`,
      remedy: "Score first (`graft score`, or scoreEdges) and pass the result, or choose a placement without scores",
    });
  }
  const stride = selector.needsScores ? (options.scores?.stride ?? 1) : 1;
  const request = requestOf(selector, parsed, text, options, stride);
  const chosen = selector.choose({ ...request, scores: options.scores });
  if (selector.needsScores) checkExact(options.scores!, chosen.edges, text);
  return selectionOf({ unfilled: request.count - chosen.edges.length, ...chosen }, text, options, request);
}

/** What a coarse pass asks: the edges that a spec takes by scores. Throws SELECTOR_UNSUITED for one that is not made of scores. */
export function chooserOf(spec: SelectorSpec | string, options: SelectOptions): CoarseOptions["choose"] {
  const parsed = typeof spec === "string" ? parseSelector(spec) : spec;
  if ("edges" in parsed || isTaskSelector(parsed) || !selectors[parsed.selector].needsScores)
    throw coarseUnsuited(typeof spec === "string" ? spec.trim() : formatSelector(spec));
  return (scores) => select(spec, { ...options, scores }).edges;
}

export const coarseUnsuited = (text: string): GraftError =>
  new GraftError("SELECTOR_UNSUITED", {
    thing: `"${text}" with a coarse pass`,
    place:
      "a coarse pass scores exactly what a selector by scores could take, and this one takes no edge by them, or may take any",
    remedy: "Leave the coarse pass out, or choose gga:3 or top:3",
  });

/** No edge is chosen by an estimate. */
function checkExact({ coarse, matrix }: EdgeScores, edges: readonly Edge[], text: string): void {
  if (coarse === undefined) return;
  const guessed = edges.find((edge) => !coarse.exact.some(({ from, to }) => from === edge.from && to === edge.to));
  if (guessed === undefined) return;
  throw new GraftError("SCORES_ESTIMATED", {
    thing: `placement "${text}" by scores of a coarse pass`,
    place: `edge (${guessed.from}, ${guessed.to}) would be taken, and its score is an estimate; ${coarse.exact.length} of ${matrix.length ** 2} are exact`,
    remedy: `Score again for this placement (\`graft score --coarse --place ${text}\`), or without --coarse`,
  });
}

/** What works on the task may look at any edge. */
export function checkAllExact({ coarse, matrix }: EdgeScores, text: string): void {
  if (coarse === undefined) return;
  throw new GraftError("SCORES_ESTIMATED", {
    thing: `placement "${text}" by scores of a coarse pass`,
    place: `it may take any edge, and ${matrix.length ** 2 - coarse.exact.length} of ${matrix.length ** 2} scores are estimates`,
    remedy: "Score again without --coarse",
  });
}

/** What a selector is asked, scores left out. Throws COUNT_OUT_OF_RANGE. @param stride  of the scores it chooses by */
export function requestOf(
  selector: Pick<Selector, "counted" | "from">,
  spec: NamedSpec<string>,
  text: string,
  { states, seed = 0, gamma, budget, defaultRank = DEFAULT_RANK }: SelectOptions,
  stride = 1,
): Omit<SelectorRequest, "scores"> & { readonly rank: number } {
  const most = Math.min(selector.from.count(states), Math.ceil(states / stride) ** 2);
  const count = selector.counted ? (spec.count ?? Number.NaN) : most;
  if (!(Number.isInteger(count) && count >= 0 && count <= most)) {
    throw new GraftError("COUNT_OUT_OF_RANGE", {
      thing: `placement "${text}"`,
      place: `${count} edges asked for; a backbone with ${states} states has ${most} ${selector.from.edges}${stride > 1 ? ` scored, with stride ${stride}` : ""}`,
      remedy: `Choose a whole number from 0 to ${most}`,
    });
  }
  const rank = spec.rank ?? defaultRank;
  const keeps =
    budget && selector.counted ? (edges: readonly Edge[]) => keepsTo(budget, ranked(edges, rank)) : undefined;
  const fits =
    stride === 1
      ? keeps
      : (edges: readonly Edge[]) => edges.every((edge) => isOnStride(stride, edge)) && (keeps?.(edges) ?? true);
  return { states, count, rank, seed: spec.seed ?? seed, gamma, fits };
}

export const ranked = (edges: readonly PlacementEntry[], rank: number): Placement =>
  edges.map((edge) => ({ from: edge.from, to: edge.to, rank: edge.rank ?? rank }));

/** Edges with what is known of them; those of another state than there are, or over the budget, are refused. */
export function selectionOf(
  { edges, ties, scoreName, curve, unfilled = 0 }: TaskChoice,
  text: string,
  { states, scores, budget, defaultRank = DEFAULT_RANK }: SelectOptions,
  { count = edges.length, rank = defaultRank }: { readonly count?: number; readonly rank?: number } = {},
): Selection {
  if (budget && count > 0 && unfilled === count) {
    const cost = budget.costOf(ranked([CHEAPEST], rank));
    throw overBudget(text, "no edge fits, the cheapest being a parallel one", cost, budget);
  }
  const placement = ranked(edges, rank);
  checkPlacement(placement, { states }, text);
  const cost = budget?.costOf(placement);
  if (budget && !keepsTo(budget, placement)) throw overBudget(text, `its ${placement.length} adapters`, cost!, budget);
  return {
    placement,
    edges: edges.map(({ from, to, score = scores && knownScore(scores, { from, to }) }) => {
      const edge = { from, to, kind: edgeKind({ from, to }) };
      return score === undefined ? edge : { ...edge, score };
    }),
    ties: ties ?? { picks: 0, drawn: 0 },
    ...(scoreName !== undefined && { scoreName }),
    ...(budget && { cost, unfilled }),
    ...(curve && { curve }),
  };
}

/** No edge costs less: it makes nothing run twice. */
const CHEAPEST: Edge = { from: 0, to: 1 };

const taskNeeded = (text: string): GraftError =>
  new GraftError("TASK_NEEDED", {
    thing: `placement "${text}"`,
    place: "it works on the model and the task to choose, and here there is no task",
    remedy: `Let \`graft select --place ${text} --task NAME\` (or chooseMethod) choose, and give the edges that it prints`,
  });

/** The checks that protect selecting; `parseScores` says more about a file. */
export function checkScores(scores: EdgeScores, states: number, text: string): void {
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
