import type { Edge } from "../../adapters/index.ts";

/**
 * A number ≥ 0 for every edge, known before any training; more is better. Plain data, of one kind each: what it is computed
 * of says what has to be computed. Adding one: a file with this shape and a line in `index.ts`; the contract suite runs it.
 */
export type Score = About & (OfSpectrum | OfGradient | OfCap | OfEdge);

interface About {
  /** One line for `graft score --list`. */
  readonly summary: string;
  /** Paper and year; of null scores what they are a null for. */
  readonly source: string;
}

export interface ScoreSettings {
  /** Share of the singular values' sum that srank drops. */
  readonly eta: number;
  /** Of what a score draws. */
  readonly seed: number;
}

/** Of the singular values of the edge's gradient, d of them, descending. Their entropy rank breaks its ties. */
export interface OfSpectrum {
  ofSpectrum(sigma: Float64Array, settings: ScoreSettings): number;
}

/** Row-major, [rows, columns]. */
export interface Matrix {
  readonly data: Float32Array;
  readonly rows: number;
  readonly columns: number;
}

/** Of the edge's gradient ∂L/∂W itself, [d, d], averaged over the probe. */
export interface OfGradient {
  ofGradient(gradient: Matrix, settings: ScoreSettings): number;
}

/** Of the largest rank that gradients into the edge's target can have. */
export interface OfCap {
  ofCap(cap: number): number;
}

/** Of the backbone alone: a null score, which has seen neither data nor labels. No pass is run for it. */
export interface OfEdge {
  ofEdge(edge: Edge, facts: BackboneFacts, settings: ScoreSettings): number;
}

export interface BackboneFacts {
  /** n, the number of hidden states. */
  readonly states: number;
  /** d. */
  readonly hiddenSize: number;
  /** Floating-point operations of the products that state k is computed with, for one example. [n], rising. */
  readonly flops: readonly number[];
}
