import type { Edge } from "../adapters/index.ts";
import type { Backbone } from "../backbone/index.ts";
import { GraftError, mean } from "../base/index.ts";
import type { Task } from "../tasks/index.ts";
import { coarseColumns, openCoarsePass } from "./coarse-pass.ts";
import { estimateScores } from "./estimate-scores.ts";
import { judge } from "./judge.ts";
import { type KeptFactors, keepFactors } from "./kept-factors.ts";
import { rankCap } from "./probe.ts";
import { openKeptProbe } from "./score-columns.ts";
import { openScoreTools } from "./score-tools.ts";
import type { ColumnSettings } from "./scored-column.ts";
import { type ScoreName, scores } from "./scores/index.ts";
import type { EdgeScores } from "./scores.ts";
import { openKeptScores } from "./scores-checkpoint.ts";
import { spread, strided } from "./stride.ts";

export interface CoarseOptions {
  /**
   * The edges that would be chosen by scores, e.g. by `select`. It is asked again and again: with the exact scores of some edges,
   * and of each of the others the most that it may be expected to have, until all that it chooses have exact ones.
   */
  readonly choose: (scores: EdgeScores) => readonly Edge[];
  /** Columns that states and cotangents are projected to, 1..d; default a third of d, 256 at most. */
  readonly columns?: number | undefined;
}

/** Which scores are exact; the others are estimates. */
export interface Coarse {
  readonly columns: number;
  readonly exact: readonly Edge[];
  /** Standard error of the estimates: the root of its mean square. */
  readonly error: number;
}

/**
 * Edges between that many states, or half of all if those are fewer, are scored exactly first, but between two at least: an edge
 * alone, or two, leave nothing to tell how far estimates lie from scores.
 */
const ANCHORS = 5;
const FEWEST_ANCHORS = 2;

/** Standard errors above its estimate that an edge is given before it may lose. */
const MARGIN = 2.5;

/** What is kept as the work goes on. */
interface Progressed {
  readonly coarse: readonly number[];
  readonly activeTokens: readonly number[];
  readonly exact: readonly { readonly edge: number; readonly score: number; readonly entropy: number }[];
}

/**
 * Scores of which those that could be chosen are exact, the others estimated from projected gradients.
 * @throws GraftError COLUMNS_OUT_OF_RANGE, SCORE_UNSUITED, NO_ROOM
 */
export async function scoreCoarsely(
  whole: Backbone,
  task: Task,
  name: ScoreName,
  { choose, columns: asked }: CoarseOptions,
  settings: ColumnSettings,
) {
  const { threads, signal, onProgress, eta, seed, stride } = settings;
  checkSuited(name, settings);
  const backbone = strided(whole, stride);
  const k = coarseColumns(backbone, asked);
  const n = backbone.states.length;
  const wanted = [{ name, score: scores[name] }];
  const kept = await openKeptScores<Progressed>("coarsely", whole, task, wanted, settings, { coarse: k });
  const probe = await openKeptProbe(whole, task, settings, kept.head);
  const examples = probe.indices.length;
  let factors: KeptFactors | undefined;
  const tools = await openScoreTools(backbone, wanted, [examples], { threads, eta, seed });
  const capOf = (to: number) => rankCap(backbone, task.goal, to, found.activeTokens[to]!);

  const beginning = async (): Promise<Progressed> => {
    const pass = await openCoarsePass(backbone, name, k, { threads, eta, seed, examples });
    try {
      factors = await keepFactors(backbone, task, probe, pass.add, { threads, signal, onProgress });
      const report = (to: number) =>
        onProgress?.({ phase: "coarse ranks", done: (to + 1) * n, total: n * n, unit: "edges" });
      return { coarse: await pass.scores(report), activeTokens: factors.activeTokens, exact: [] };
    } finally {
      await pass.close();
    }
  };
  /** Exact scores of edges, a column at a time. */
  const exactly = async (edges: readonly number[]) => {
    factors ??= await keepFactors(backbone, task, probe, async () => {}, { threads, signal, onProgress });
    const made: Progressed["exact"][number][] = [];
    for (const to of new Set(edges.map((edge) => edge % n))) {
      const sources = edges.filter((edge) => edge % n === to).map((edge) => Math.floor(edge / n));
      const column = await factors.gradientsOf(sources, to);
      const evidence = await tools.evidenceOf(column, to, [0], capOf(to));
      const placeOf = (at: number) => `edge (${stride * sources[at]!}, ${stride * to})`;
      const { values, entropy } = judge({ ...evidence, n: sources.length }, wanted, { eta, seed }, placeOf);
      for (const [at, from] of sources.entries())
        made.push({ edge: from * n + to, score: values.get(name)![at]!, entropy: entropy[at]! });
    }
    return made;
  };

  let found: Progressed;
  try {
    found = kept.value ?? (await beginning());
    const estimates = estimateScores(found.coarse, n);
    estimates.add(found.exact);
    const take = async (edges: readonly number[]) => {
      const known = new Set(found.exact.map(({ edge }) => edge));
      const fresh = [...new Set(edges)].filter((edge) => !known.has(edge));
      if (fresh.length === 0) return false;
      const made = await exactly(fresh);
      estimates.add(made);
      found = { ...found, exact: [...found.exact, ...made] };
      await kept.save(found, probe);
      onProgress?.({ phase: "ranks", done: found.exact.length, total: n * n, unit: "edges at most" });
      return true;
    };
    const board = (values: Float64Array, unknown: number): EdgeScores => {
      const entropy = new Map(found.exact.map(({ edge, entropy }) => [edge, entropy]));
      const rows = (at: (edge: number) => number) =>
        Array.from({ length: n }, (_, from) => Array.from({ length: n }, (_, to) => at(from * n + to)));
      const between = {
        matrix: rows((edge) => Math.max(0, values[edge]!)),
        tieBreak: rows((edge) => entropy.get(edge) ?? unknown),
      };
      return { ...spread(between, stride, whole.states.length), ...(stride > 1 && { stride }) };
    };
    // Where an edge may be as good as another, it is looked at.
    const chosen = () =>
      choose(board(estimates.most(MARGIN), Number.MAX_VALUE)).map(({ from, to }) => (from / stride) * n + to / stride);
    await take(anchors(n));
    while (await take(chosen()));
    const { expected, errors } = estimates.estimate();
    const edgeAt = (edge: number): Edge => ({ from: stride * Math.floor(edge / n), to: stride * (edge % n) });
    const exact = found.exact.map(({ edge }) => edge).sort((a, b) => a - b);
    const squares = errors.filter((error) => error > 0).map((error) => error ** 2);
    return {
      ...board(expected, 0),
      coarse: {
        columns: k,
        exact: exact.map(edgeAt),
        error: squares.length > 0 ? Math.sqrt(mean(squares)) : 0,
      } as Coarse,
      caps: whole.states.map((_, state) => (state % stride === 0 ? capOf(state / stride) : 0)),
      examples,
      head: probe.headName,
    };
  } finally {
    await factors?.close();
    await tools.close();
  }
}

/** Edges between a few states, the first and the last among them. */
function anchors(n: number): number[] {
  const count = Math.min(n, ANCHORS, Math.max(FEWEST_ANCHORS, Math.ceil(n / 2)));
  const states = Array.from({ length: count }, (_, k) => Math.round((k * (n - 1)) / Math.max(1, count - 1)));
  return states.flatMap((from) => states.map((to) => from * n + to));
}

/** A projection keeps singular values, roughly, and nothing else. */
function checkSuited(name: ScoreName, { after, groups }: ColumnSettings): void {
  const problem =
    "ofSpectrum" in scores[name]
      ? after
        ? "it is estimated for the plain backbone alone, and adapters are in place"
        : groups > 0
          ? "how sure the ranking is takes exact scores of every edge"
          : undefined
      : "it is not made of singular values, which are all that projected gradients keep";
  if (problem === undefined) return;
  throw new GraftError("SCORE_UNSUITED", {
    thing: `the score ${name} from a coarse pass`,
    place: problem,
    remedy: "Leave the coarse pass out: every edge is then scored exactly",
  });
}
