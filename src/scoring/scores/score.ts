import type { Edge } from "../../adapters/index.ts";
import type { Builder, Value } from "../../graph/index.ts";

/**
 * A number ≥ 0 for every edge, known before any training; more is better. Plain data, of one kind each: what it is computed
 * of says what has to be computed. Adding one: a file with this shape and a line in `index.ts`; the contract suite runs it.
 */
export type Score = About & (OfSpectrum | OfGradient | OfFactors | OfCap | OfEdge);

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

/** Of the edge's gradient G = ∂L/∂W itself, [d, d], averaged over the probe. */
export interface OfGradient {
  /** @param frozen  of a LoRA site, the frozen matrix that is differentiated, [rows, columns]; an edge's adapter has none */
  ofGradient(gradient: Matrix, settings: ScoreSettings, frozen?: Float32Array): number;
  /** Of a LoRA site it needs the frozen matrix. */
  readonly readsFrozen?: true;
  /** Give it L⁻¹·G instead, L·Lᵀ the second moment of what the edge reads: the gradient behind whitened inputs. */
  readonly whitened?: true;
}

/** Of both factors of the gradient, x and δ, before they are multiplied and summed. */
export interface OfFactors {
  /**
   * What is summed over examples, and averaged.
   * @param x      [n, sequences, tokens, d]: what edges read; 0 for padding
   * @param delta  [m, sequences, tokens, d]: cotangents of each sequence's own loss; 0 for padding
   * @returns      [n, m, k], or [n, 1, k] where it does not depend on the target
   */
  sumOf(g: Builder, x: Value, delta: Value, settings: ScoreSettings & { readonly of: "edges" | "site" }): Value;
  /** The score, of the k numbers of an edge. */
  ofFactors(mean: Float32Array): number;
}

/** Of the largest rank that gradients into the edge's target can have. */
export interface OfCap {
  ofCap(cap: number): number;
}

/** Of the backbone alone: a null score, which has seen neither data nor labels. No pass is run for it. */
export interface OfEdge {
  ofEdge(edge: Edge, facts: BackboneFacts, settings: ScoreSettings): number;
  /** The same of a LoRA site; absent where it means nothing there. */
  ofSite?(site: SiteFacts, settings: ScoreSettings): number;
}

/** A frozen product that LoRA may go beside. */
export interface SiteFacts {
  readonly name: string;
  /** Its place among the model's products, and how many there are. */
  readonly at: number;
  readonly count: number;
  readonly inSize: number;
  readonly outSize: number;
}

export interface BackboneFacts {
  /** n, the number of hidden states. */
  readonly states: number;
  /** d. */
  readonly hiddenSize: number;
  /** Floating-point operations of the products that state k is computed with, for one example. [n], rising. */
  readonly flops: readonly number[];
}
