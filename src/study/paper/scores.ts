import {
  type Correlation,
  correlationDifference,
  correlationGiven,
  explainedShare,
  type MatrixCorrelation,
  mantelTest,
} from "../../base/index.ts";
import { standings } from "../../objective/index.ts";
import type { Trial } from "../trial.ts";
import { analyseChoices, type ChoicesOfTask, type TriedEdges } from "./choices.ts";
import { analyseEdges, type EdgesOfTask, isWhole } from "./edges.ts";
import { ENDS, placeMatrices, SMOOTH_PLACE } from "./place.ts";
import { isNumber } from "./rows.ts";
import { correlation, isAbove, isBelow, type Outcome, type Verdict } from "./verdict.ts";

/** Experiment 5: does a score, known before any training, tell how good an edge is? */
export interface ScoresResult {
  readonly tasks: readonly ScoresOfTask[];
  /** What the edges that each score puts first are worth; empty before all is measured and scored. */
  readonly choices: readonly ChoicesOfTask[];
  readonly verdicts: readonly Verdict[];
}

export interface ScoresOfTask {
  readonly task: string;
  /**
   * How well the measurement agrees with itself: Spearman's correlation of two seeds' matrices, stepped up to the mean of all seeds
   * (Spearman and Brown): no score can be expected to agree better than its root. Undefined with one seed or gaps.
   */
  readonly reliability: number | undefined;
  /** Share of the variance of the measured metric's ranks that a smooth function of place makes up; NaN with gaps. */
  readonly placeShare: number;
  /** In the order of the scores' table. */
  readonly scores: readonly ScoreOfTask[];
  /** How much higher the gradient's rank correlates with the metric than its norm; undefined until both are scored. */
  readonly rankOverNorm: Correlation | undefined;
}

export interface ScoreOfTask {
  readonly score: string;
  /** With the measured metric, over all edges. */
  readonly whole: MatrixCorrelation;
  /** The same given how deep both ends of an edge lie, linearly. */
  readonly givenEnds: Correlation;
  /** The same given both depths, their squares and their product. */
  readonly givenPlace: Correlation;
  /** Share of the variance of the score's ranks that these make up; NaN where it is the same everywhere. */
  readonly placeShare: number;
}

/** What a score says of the edges of a study, before any training. */
export interface ScoredEdges {
  readonly task: string;
  readonly seed: number;
  readonly score: string;
  /** Of the probe that it was scored on with others; a null score does not look at them. */
  readonly examples?: number;
  /** State indices along both sides. */
  readonly states: readonly number[];
  /** [states, states]; row: read, column: added to. */
  readonly matrix: readonly (readonly number[])[];
}

/** @param all  the baseline with an adapter at every place, as the study names it */
export function analyseScores(
  trials: readonly Trial[],
  names: readonly string[],
  all: string,
  scored: readonly ScoredEdges[] = [],
): ScoresResult {
  const edges = analyseEdges(trials, names, all);
  const tasks = edges.tasks.map((task) => ofTask(task, edges.states, scored));
  const isDone = tasks.length > 0 && edges.tasks.every(isWhole) && tasks.every(({ scores }) => scores.length > 0);
  const choices = isDone
    ? analyseChoices(
        edges.tasks.map((measured) => ({
          task: measured.task,
          measured: measured.matrix.flat() as number[],
          tried: triedEdges(measured),
          scores: new Map([...meanScores(measured, edges.states, scored)].map(([name, each]) => [name, each.flat()])),
        })),
        edges.states,
      )
    : [];
  return { tasks, choices, verdicts: [predicts(tasks, isDone), beyondDepth(tasks, isDone), beatsNorm(tasks, isDone)] };
}

function ofTask(measured: EdgesOfTask, states: readonly number[], scored: readonly ScoredEdges[]): ScoresOfTask {
  const { task, matrix } = measured;
  if (matrix.length < 2 || !isWhole(measured))
    return { task, reliability: undefined, placeShare: Number.NaN, scores: [], rankOverNorm: undefined };
  const accuracy = matrix as number[][];
  const [ends, smooth] = [ENDS, SMOOTH_PLACE].map((features) => placeMatrices(features, states.length));
  const placeShare = (of: number[][]) =>
    explainedShare(
      of.flat(),
      smooth!.map((each) => each.flat()),
    );
  const means = meanScores(measured, states, scored);
  const scores = [...means].map(([score, mean]) => ({
    ...{ score, whole: mantelTest(mean, accuracy), placeShare: placeShare(mean) },
    givenEnds: correlationGiven(mean, accuracy, ends!),
    givenPlace: correlationGiven(mean, accuracy, smooth!),
  }));
  const [rank, norm] = [means.get("srank"), means.get("frobenius")];
  const rankOverNorm = rank && norm ? correlationDifference(rank, norm, accuracy) : undefined;
  return { task, reliability: reliabilityOf(measured.bySeed), placeShare: placeShare(accuracy), scores, rankOverNorm };
}

/** Each score's mean over the seeds, where all of them are scored. */
function meanScores(
  { task, bySeed }: EdgesOfTask,
  states: readonly number[],
  scored: readonly ScoredEdges[],
): Map<string, number[][]> {
  const own = scored.filter((each) => each.task === task && `${each.states}` === `${states}`);
  const found = new Map<string, number[][]>();
  for (const score of new Set(own.map((each) => each.score))) {
    const matrices = own.filter((each) => each.score === score).map((each) => each.matrix);
    if (matrices.length >= bySeed.length) found.set(score, meanMatrix(matrices));
  }
  return found;
}

const meanMatrix = (matrices: readonly (readonly (readonly number[])[])[]): number[][] =>
  matrices[0]!.map((row, i) =>
    row.map((_, j) => matrices.reduce((sum, each) => sum + each[i]![j]!, 0) / matrices.length),
  );

/** What an epoch of each edge's training with one seed says, and what the edges measured with the other seeds. */
function triedEdges({ bySeed, firstEpochs }: EdgesOfTask): TriedEdges[] {
  return firstEpochs.flatMap((results, seed) => {
    const others = bySeed.filter((_, other) => other !== seed) as number[][][];
    // What was measured elsewhere and carried over has no reports.
    if (others.length === 0 || results.includes(undefined)) return [];
    return [{ says: standings(results), measured: meanMatrix(others).flat() }];
  });
}

/** The mean correlation of two seeds' matrices, r, for the mean of k of them: k r / (1 + (k − 1) r). */
function reliabilityOf(bySeed: EdgesOfTask["bySeed"]): number | undefined {
  const whole = bySeed.filter((matrix) => matrix.flat().every(isNumber)) as number[][][];
  const pairs = whole.flatMap((a, k) => whole.slice(k + 1).map((b) => mantelTest(a, b, { permutations: 0 }).value));
  if (pairs.length === 0) return undefined;
  const r = pairs.reduce((sum, value) => sum + value, 0) / pairs.length;
  return (whole.length * r) / (1 + (whole.length - 1) * r);
}

/** Share of the tasks on which something must hold for a claim about most of them; the paper has its claims on 5 of 7. */
const MOST = 5 / 7;

/** Of a claim about most tasks that holds on some. */
const outcomeOf = (holds: number, tasks: number): Outcome =>
  holds >= MOST * tasks ? "confirmed" : holds < tasks / 2 ? "not confirmed" : "unclear";

const scoreOn = ({ scores }: ScoresOfTask, name: string) => scores.find(({ score }) => score === name);

/** Of a claim that a correlation lies above 0 on most tasks and below on none. */
function outcomeAbove(found: readonly (Correlation | undefined)[], isDone: boolean): Outcome {
  const above = found.filter((each) => each && isAbove(each)).length;
  const below = found.filter((each) => each && isBelow(each)).length;
  const isKnown = isDone && found.every((each) => each?.low !== undefined);
  return !isKnown || (below > 0 && 2 * above >= found.length) ? "unclear" : outcomeOf(above, found.length);
}

const ABOVE =
  "confirmed if above 0 on 5/7 of the tasks or more and below on none, not confirmed if above 0 on fewer than half";
const CHANGED = "changed after the numbers were seen, see docs/reproduction.md";

function predicts(tasks: readonly ScoresOfTask[], isDone: boolean): Verdict {
  const found = tasks.map((task) => scoreOn(task, "srank")?.whole);
  return {
    claim: "The rank of an edge's gradient tells how good the edge is (best on 3 of the paper's 7 tasks, weak on 3)",
    rule: `Spearman's correlation of srank with the measured metric over all edges, interval by the jackknife over states: ${ABOVE}`,
    outcome: outcomeAbove(found, isDone),
    because: listed(tasks, (task) => shown(scoreOn(task, "srank")?.whole)),
  };
}

function beyondDepth(tasks: readonly ScoresOfTask[], isDone: boolean): Verdict {
  const found = tasks.map((task) => scoreOn(task, "srank")?.givenPlace);
  return {
    claim: "It tells more than how deep the edge lies (ours: the paper does not ask)",
    rule: `The same given the depths of both ends, their squares and their product: ${ABOVE} (${CHANGED})`,
    outcome: outcomeAbove(found, isDone),
    because: listed(tasks, (task) => {
      const [srank, depth] = [scoreOn(task, "srank"), scoreOn(task, "depth")];
      if (!srank || !depth) return shown(undefined);
      const linear = `${correlation(srank.givenEnds.value)} given the depths alone`;
      return `${shown(srank.givenPlace)} (${linear}; the depth null keeps ${correlation(depth.givenPlace.value)})`;
    }),
  };
}

function beatsNorm(tasks: readonly ScoresOfTask[], isDone: boolean): Verdict {
  const found = tasks.map((task) => task.rankOverNorm);
  return {
    claim: "The gradient's rank tells more than its norm",
    rule: `Spearman's correlation of srank less that of the Frobenius norm, interval by the jackknife over states: ${ABOVE} (${CHANGED})`,
    outcome: outcomeAbove(found, isDone),
    because: listed(tasks, (task) => {
      const [rank, norm] = [scoreOn(task, "srank"), scoreOn(task, "frobenius")];
      if (!task.rankOverNorm || !rank || !norm) return shown(undefined);
      return `${shown(task.rankOverNorm)} (${correlation(rank.whole.value)} against ${correlation(norm.whole.value)})`;
    }),
  };
}

const listed = (tasks: readonly ScoresOfTask[], of: (task: ScoresOfTask) => string): string =>
  tasks.map((task) => `${task.task}: ${of(task)}`).join("; ");

const shown = (found: Correlation | undefined): string =>
  found === undefined
    ? "not measured"
    : found.low === undefined || found.high === undefined
      ? correlation(found.value)
      : `${correlation(found.value)} [${correlation(found.low)}, ${correlation(found.high)}]`;
