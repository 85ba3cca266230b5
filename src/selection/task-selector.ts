import type { Edge } from "../adapters/index.ts";
import type { Evaluation } from "../objective/index.ts";
import type { EdgeCoupling, EdgeScores } from "../scoring/index.ts";
import type { Trained } from "../training/index.ts";
import type { ChosenEdges, CountPoint, SelectorRequest } from "./selector.ts";

/**
 * A way to choose edges that works on the model and the task: it scores and trains on the way. Adding one: a file with this
 * shape, and a line in `task-selectors.ts`.
 */
export interface TaskSelector {
  /** How it is written, e.g. `greedy:3`. */
  readonly usage: string;
  readonly summary: string;
  readonly counted: true;
  /** The count where none is written; undefined: one has to be. */
  readonly defaultCount: number | undefined;
  /** Whether `@7` after the count (the seed of ties) means something. */
  readonly seeded: boolean;
  /** Whether it begins with scores of all edges. */
  readonly needsScores: boolean;
  readonly from: { readonly edges: string; count(states: number): number };
  /** What it does, at most. */
  work(count: number, seeds: number): SelectorWork;
  choose(request: TaskSelectorRequest): Promise<TaskChoice>;
}

/** The name of a score by which trainings, or adapters, stand among one another: the share of them that are no better. */
export const STANDING = "standing";

export interface SelectorWork {
  /** Of all edges. */
  readonly scorings: number;
  /** Short trainings. */
  readonly tries: number;
  /** Trainings like the one that follows. */
  readonly trainings: number;
  /** The most adapters that one of them has, where that is more than are wanted. */
  readonly most?: number;
  /** Passes over the validation examples besides those of trainings; default 0. */
  readonly passes?: number;
}

export interface TaskSelectorRequest extends Omit<SelectorRequest, "scores"> {
  /** Seeds of trainings that are repeated. */
  readonly seeds: readonly number[];
  /** Scores of all edges: of the plain backbone, or of edges added to what was trained. */
  score(after?: Trained): Promise<EdgeScores>;
  /** How alike the gradients of any two edges are, of the plain backbone. */
  couple(): Promise<EdgeCoupling>;
  /** Train adapters on edges for a short while, with the selection's seed. */
  tryOut(edges: readonly Edge[]): Promise<Trained>;
  /** Validate what was trained without the adapter on an edge, for each of some edges. */
  without(trained: Trained, edges: readonly Edge[]): Promise<readonly Evaluation[]>;
  /**
   * Train adapters on edges as the training that follows would.
   * @param seed  of start and order
   */
  train(edges: readonly Edge[], seed: number): Promise<Trained>;
}

export interface TaskChoice extends ChosenEdges {
  /** With the score that chose it. */
  readonly edges: readonly (Edge & { readonly score?: number })[];
  /** Edges that no longer fitted the budget; default those that the count lacks. */
  readonly unfilled?: number;
  /** What the edges' scores are, where they are not of scores of all edges. */
  readonly scoreName?: string;
  readonly curve?: readonly CountPoint[];
}
