import type { Edge } from "../adapters/index.ts";
import type { Backbone } from "../backbone/index.ts";
import { GraftError } from "../base/index.ts";
import type { Task } from "../tasks/index.ts";
import type { CheckpointStore } from "../training/index.ts";
import { backboneFacts } from "./backbone-facts.ts";
import { type Confidence, confidenceOf, DEFAULT_GROUPS } from "./confidence.ts";
import { isOfGradients, type Wanted } from "./judge.ts";
import type { ProbeOptions } from "./probe.ts";
import { countTies } from "./ranking.ts";
import { type CoarseOptions, scoreCoarsely } from "./score-coarsely.ts";
import { scoreColumns } from "./score-columns.ts";
import type { ScoredColumn } from "./scored-column.ts";
import { DEFAULT_SCORE, type ScoreName, scores } from "./scores/index.ts";
import { checkEta, DEFAULT_ETA } from "./scores/srank.ts";
import type { EdgeScores, Scores } from "./scores.ts";
import { spread, strided } from "./stride.ts";

export interface ScoreOptions extends ProbeOptions {
  /** Which score; default the paper's, `srank`. `graft score --list` explains each. */
  readonly score?: ScoreName;
  /** Share of the singular values' sum that srank drops; default 0.01. */
  readonly eta?: number;
  /** Score halves of the probe too, and say how sure the ranking is; default false. Singular values take 7 times as long. */
  readonly confidence?: boolean;
  /** Groups the probe is cut into for it, every half of which is scored: even, 2 to 8; default 4. */
  readonly groups?: number;
  /** Score only edges between every k-th states, 0, k, 2k …; the others get 0. Default 1: all. */
  readonly stride?: number;
  /**
   * Score exactly only what could be chosen, and estimate the rest from states and cotangents projected to fewer columns:
   * the same choice for less where d is some hundreds. For scores made of singular values.
   */
  readonly coarse?: CoarseOptions;
  /** Where finished columns are kept, so that the same call, made again, goes on from them. */
  readonly checkpoint?: CheckpointStore;
}

/**
 * Score every edge of a backbone on a task before any training, from one forward and one backward pass over a probe of
 * training examples: by default the numerical rank of the gradient of a linear adapter on it (docs/method.md, "The score of
 * an edge"). Only what the score is made of is computed.
 * @throws GraftError EXAMPLES_OUT_OF_RANGE, ETA_OUT_OF_RANGE, GROUPS_OUT_OF_RANGE, STRIDE_OUT_OF_RANGE; PARAMETER_MISSING or
 *         PARAMETER_SHAPE for a head given; CHECKPOINT_MISMATCH; NOT_FINITE; ADAPTERS_NEEDED, SCORE_UNSUITED
 */
export async function scoreEdges(backbone: Backbone, task: Task, options: ScoreOptions = {}): Promise<Scores> {
  const { score = DEFAULT_SCORE, coarse, ...others } = options;
  if (coarse) return scoreByCoarse(backbone, task, score, coarse, others);
  return (await scoreEdgesBy(backbone, task, [score], others)).get(score)!;
}

/**
 * Several scores of every edge from one pass over one probe.
 * @param names  at least one
 * @returns      in the order of the names; `seconds` is that of all of them
 * @throws       as `scoreEdges`
 */
export async function scoreEdgesBy(
  backbone: Backbone,
  task: Task,
  names: readonly ScoreName[],
  options: Omit<ScoreOptions, "score" | "coarse"> = {},
): Promise<ReadonlyMap<ScoreName, Scores>> {
  const begun = performance.now();
  const { eta = DEFAULT_ETA, seed = 0, stride = 1, confidence = false, groups = DEFAULT_GROUPS, ...rest } = options;
  checkEta(eta); // now, not after the minutes that the gradients take
  const states = [...strided(backbone, stride).states.keys()].map((state) => stride * state);
  const n = backbone.states.length;
  const wanted = names.map((name): Wanted => ({ name, score: scores[name] }));
  const ofGradients = wanted.filter(isOfGradients);
  if (confidence && ofGradients.length === 0) throw nothingToResample(names);
  const settings = { ...rest, eta, seed, stride, groups: confidence ? groups : 0 };
  const pass = ofGradients.length > 0 ? await scoreColumns(backbone, task, ofGradients, settings) : undefined;
  const alone = wanted.every(isOfGradients) ? undefined : await backboneFacts(backbone, task, options.signal);
  const seconds = (performance.now() - begun) / 1000;
  return new Map(
    wanted.map(({ name, score }) => {
      const ofEdge = (from: number, to: number) =>
        "ofEdge" in score ? score.ofEdge({ from, to }, alone!, { eta, seed }) : Number.NaN;
      const [found = { matrix: states.map((from) => states.map((to) => ofEdge(from, to))) }, ...halves] =
        pass && isOfGradients({ name, score }) ? boardsOf(pass.columns, { name, score }) : [];
      return [
        name,
        {
          schema: 1,
          scoreName: name,
          ...spread(found, stride, n),
          ties: countTies(found),
          ...(halves.length > 0 && { confidence: onStates(confidenceOf(found, halves, groups), stride) }),
          ...(pass && { caps: capsOf(pass.columns, n), examples: pass.examples, head: pass.head }),
          ...(name === "srank" && { eta }),
          ...(stride > 1 && { stride }),
          seconds,
          backbone: { name: backbone.name, hash: backbone.hash, states: n },
          task: task.name,
          seed,
        },
      ];
    }),
  );
}

const nothingToResample = (names: readonly ScoreName[]): GraftError =>
  new GraftError("SCORE_UNSUITED", {
    thing: `how sure the ranking by ${names.join(", ")} is`,
    place: "it looks at no example, so that every probe gives the same",
    remedy: "Leave the confidence out, or take a score of gradients",
  });

async function scoreByCoarse(
  backbone: Backbone,
  task: Task,
  scoreName: ScoreName,
  coarse: CoarseOptions,
  options: Omit<ScoreOptions, "score" | "coarse">,
): Promise<Scores> {
  const begun = performance.now();
  const { eta = DEFAULT_ETA, seed = 0, stride = 1, confidence = false, groups = DEFAULT_GROUPS, ...rest } = options;
  checkEta(eta);
  const settings = { ...rest, eta, seed, stride, groups: confidence ? groups : 0 };
  const found = await scoreCoarsely(backbone, task, scoreName, coarse, settings);
  return {
    schema: 1,
    scoreName,
    ...found,
    ...(scoreName === "srank" && { eta }),
    seconds: (performance.now() - begun) / 1000,
    backbone: { name: backbone.name, hash: backbone.hash, states: backbone.states.length },
    task: task.name,
    seed,
  };
}

/** Matrices of a score between the states of the stride: of the whole probe, then of each half. */
function boardsOf(columns: readonly ScoredColumn[], { name, score }: Wanted): readonly EdgeScores[] {
  const inOrder = columns.toSorted((a, b) => a.to - b.to);
  const rows = (of: (column: ScoredColumn) => readonly number[]) =>
    inOrder.map((_, from) => inOrder.map((column) => of(column)[from]!));
  return inOrder[0]!.boards.map((_, at) => ({
    matrix: rows(({ boards }) => boards[at]!.values[name]!),
    ...("ofSpectrum" in score && { tieBreak: rows(({ boards }) => boards[at]!.entropy) }),
  }));
}

/** What is said of edges between states of the stride, of all states. */
function onStates({ unsure, ...rest }: Confidence, stride: number): Confidence {
  const edgeOf = ({ from, to }: Edge): Edge => ({ from: stride * from, to: stride * to });
  return { ...rest, unsure: unsure.map(({ edge, rivals }) => ({ edge: edgeOf(edge), rivals: rivals.map(edgeOf) })) };
}

function capsOf(columns: readonly ScoredColumn[], n: number): readonly number[] {
  const caps = new Array<number>(n).fill(0);
  for (const { to, cap } of columns) caps[to] = cap;
  return caps;
}
