import type { Edge } from "../adapters/index.ts";

/** The space of a study on a backbone: what `SpaceSettings` leave open, spelled out. */
export interface Space {
  readonly states: number;
  /** Edges that candidates may take, in row order. */
  readonly edges: readonly Edge[];
  /** Least and most adapters. */
  readonly count: readonly [number, number];
  readonly ranks: readonly number[];
  /** Least and most, searched by their logarithm; undefined leaves the default. */
  readonly learningRate?: readonly [number, number];
  readonly initScale?: readonly [number, number];
}
