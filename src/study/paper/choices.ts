import { fitRidge, mean, ranks, spearman } from "../../base/index.ts";
import { EDGE_KIND, placeMatrices, SMOOTH_PLACE } from "./place.ts";

/** What the edges that a way puts first are worth, of all that were trained one by one. */
export interface Choice {
  /** A score's name, one of `LEARNED`, or `TRIED`. */
  readonly way: string;
  /** Spearman's correlation with the measured metric; NaN where the way says the same of all edges. */
  readonly correlation: number;
  /** Measured metric of the edge it puts first, and the mean of the first `FEW`; a tie has its mean. */
  readonly first: number;
  readonly few: number;
  /** Share of all edges that were measured better than its first. */
  readonly above: number;
}

export interface ChoicesOfTask {
  readonly task: string;
  /** Measured metric over all edges: what a draw has on average, and the best. */
  readonly drawn: number;
  readonly best: number;
  readonly choices: readonly Choice[];
}

/** What one task says: [edges], all in one order. */
export interface TaskEdges {
  readonly task: string;
  readonly measured: readonly number[];
  readonly scores: ReadonlyMap<string, readonly number[]>;
  /** For each seed of the trainings, where they are known. */
  readonly tried?: readonly TriedEdges[];
}

/** [edges]: what a short training with one seed says, and what the long ones with other seeds came to. */
export interface TriedEdges {
  readonly says: readonly number[];
  readonly measured: readonly number[];
}

/** Edges that are looked at beside the first. */
export const FEW = 5;

/**
 * Ways that have seen what edges are worth on *other* tasks, never on their own: the mean of their ranks there; and ridge regression on
 * the ranks of all scores, on where the edge lies, or on both, its strength chosen by leaving out one of those tasks.
 */
export const LEARNED = [
  "measured on others",
  "scores, learned",
  "depth, learned",
  "scores and depth, learned",
] as const;

/** No way to know before any training: an epoch of each edge's, with another seed (and so other examples) than those that measure. */
export const TRIED = "an epoch, other seed";

const STRENGTHS = [0.1, 1, 10];
/** Nulls that are not given to the regression as scores: what depth can do has its own row. */
const NULLS = ["random", "depth", "late", "middle", "parameters", "flops", "cap"];

/** How good the edges are that each score would choose, and each way to learn from other tasks. */
export function analyseChoices(tasks: readonly TaskEdges[], states: readonly number[]): ChoicesOfTask[] {
  return tasks.map((task) => {
    const others = tasks.filter((other) => other !== task);
    const ways = new Map<string, readonly number[]>(task.scores);
    if (others.length > 1) {
      ways.set(LEARNED[0], meanRanks(others));
      ways.set(LEARNED[1], learn(others, task, scoreFeatures));
      ways.set(
        LEARNED[2],
        learn(others, task, () => depthFeatures(states)),
      );
      ways.set(
        LEARNED[3],
        learn(others, task, (each) => joined(scoreFeatures(each), depthFeatures(states))),
      );
    }
    const choices = [...ways].map(([way, values]) => ({ way, ...worth(values, task.measured) }));
    const tried = (task.tried ?? []).map(({ says, measured }) => worth(says, measured));
    const meanOf = (key: keyof Worth) => mean(tried.map((each) => each[key]));
    if (tried.length > 0)
      choices.push({
        ...{ way: TRIED, correlation: meanOf("correlation") },
        ...{ first: meanOf("first"), few: meanOf("few"), above: meanOf("above") },
      });
    return { task: task.task, drawn: mean(task.measured), best: Math.max(...task.measured), choices };
  });
}

type Worth = Omit<Choice, "way">;

function worth(values: readonly number[], measured: readonly number[]): Worth {
  const better = measured.map((value) => measured.filter((other) => other > value).length / measured.length);
  return {
    correlation: spearman(values, measured),
    first: ofHighest(values, measured, 1),
    few: ofHighest(values, measured, FEW),
    above: ofHighest(values, better, 1),
  };
}

/** The mean of what the `count` of highest value have, of all where there are fewer; of equal ones, what a draw among them has on average. */
function ofHighest(values: readonly number[], what: readonly number[], count: number): number {
  const order = [...values.keys()].sort((a, b) => values[b]! - values[a]!);
  const wanted = Math.min(count, values.length);
  let [sum, taken] = [0, 0];
  while (taken < wanted) {
    const equal = order.filter((k) => values[k] === values[order[taken]!]);
    const share = Math.min(equal.length, wanted - taken);
    sum += share * mean(equal.map((k) => what[k]!));
    taken += share;
    if (share < equal.length) break;
  }
  return sum / wanted;
}

/** Ranks of values, from −½ to ½. */
const spread = (values: readonly number[]): number[] =>
  [...ranks(values)].map((rank) => (rank - 1) / (values.length - 1) - 0.5);

const meanRanks = (tasks: readonly TaskEdges[]): number[] => {
  const all = tasks.map(({ measured }) => spread(measured));
  return all[0]!.map((_, k) => mean(all.map((each) => each[k]!)));
};

type Features = (task: TaskEdges) => number[][];

const scoreFeatures: Features = ({ scores }) => {
  const columns = [...scores].filter(([name]) => !NULLS.includes(name)).map(([, values]) => spread(values));
  return columns[0]!.map((_, k) => columns.map((column) => column[k]!));
};

/** Where an edge lies: both ends, their squares and product, and whether it is recurrent or parallel. */
const depthFeatures = (states: readonly number[]): number[][] => {
  const columns = placeMatrices([...SMOOTH_PLACE, ...EDGE_KIND], states.length).map((matrix) => matrix.flat());
  return columns[0]!.map((_, k) => columns.map((column) => column[k]!));
};

const joined = (a: readonly (readonly number[])[], b: readonly (readonly number[])[]): number[][] =>
  a.map((row, k) => [...row, ...b[k]!]);

function learn(others: readonly TaskEdges[], task: TaskEdges, features: Features): number[] {
  const fitOn = (tasks: readonly TaskEdges[], strength: number) =>
    fitRidge(
      tasks.flatMap(features),
      tasks.flatMap(({ measured }) => spread(measured)),
      strength,
    );
  /** How well the tasks that are known tell of each other. */
  const quality = (strength: number) =>
    mean(
      others.map((left) => {
        const fit = fitOn(
          others.filter((other) => other !== left),
          strength,
        );
        return spearman(features(left).map(fit), left.measured);
      }),
    );
  const qualities = STRENGTHS.map(quality);
  return features(task).map(fitOn(others, STRENGTHS[qualities.indexOf(Math.max(...qualities))]!));
}
