import type { PretrainingDataOptions } from "./data.ts";

/** A stretch of pre-training on one stream of images; the head and the optimiser start anew in each. */
export interface PretrainingPhase {
  readonly data: Required<Pick<PretrainingDataOptions, "fractalClasses" | "atomClasses" | "maxObjects">>;
  readonly totalSteps: number;
  /** Length of the fall of the learning rate to 0 at the phase's end. */
  readonly decaySteps: number;
}

/**
 * How the embedded backbone was made. The first phase ended at 99.7 % on its 800 classes; the second goes on with twice
 * as many, and with images of several small objects, which the first never showed.
 */
export const PHASES: readonly PretrainingPhase[] = [
  { data: { fractalClasses: 400, atomClasses: 400, maxObjects: 1 }, totalSteps: 12000, decaySteps: 3000 },
  { data: { fractalClasses: 800, atomClasses: 800, maxObjects: 4 }, totalSteps: 10000, decaySteps: 3000 },
];
