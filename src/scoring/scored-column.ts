import type { CheckpointStore } from "../training/index.ts";
import type { ProbeOptions } from "./probe.ts";
import type { ScoreName } from "./scores/index.ts";

export interface ColumnSettings extends ProbeOptions {
  readonly eta: number;
  readonly seed: number;
  readonly stride: number;
  /** Groups the probe is cut into, every half of which is scored too; 0: none. */
  readonly groups: number;
  readonly checkpoint?: CheckpointStore;
}

/** Scores of the edges into a state. */
export interface ScoredColumn {
  /** The state, counted without a stride. */
  readonly to: number;
  /** The largest rank that its gradients can have. */
  readonly cap: number;
  /** By the whole probe, then by each half of its groups. */
  readonly boards: readonly ColumnBoard[];
}

export interface ColumnBoard {
  /** By score, of the edges from each state of the stride in turn. */
  readonly values: Partial<Readonly<Record<ScoreName, readonly number[]>>>;
  /** Entropy ranks; empty where no singular values were computed. */
  readonly entropy: readonly number[];
}
