import type { Backbone } from "../backbone/index.ts";
import type { LongCall } from "../base/index.ts";
import { createBuilder, prune } from "../graph/index.ts";
import { headWidth, pooledFeatures } from "../methods/index.ts";
import { outputLevel, type TargetBatch, targetsAt } from "../objective/index.ts";
import { type Goal, outputNames, type Split } from "../tasks/index.ts";
import { allIndices, forwardRows } from "./forward.ts";

/** What a head reads of a frozen backbone, one row per example, or per token that has a tag. */
export interface Features extends TargetBatch {
  readonly count: number;
  readonly width: number;
  /** [count, width] */
  readonly data: Float32Array;
}

export interface FeaturesOptions extends LongCall {
  /** Which examples, in this order; default all. */
  readonly indices?: Uint32Array;
  readonly threads?: number;
  /** Weight of each class, for `classify`; default all 1. */
  readonly classWeights?: ArrayLike<number>;
}

/** Run the plain backbone over examples of a split and gather what a head of the goal reads, with its targets. */
export async function extractFeatures(
  backbone: Backbone,
  goal: Goal,
  split: Split,
  { indices = allIndices(split.count), threads, classWeights, ...call }: FeaturesOptions = {},
): Promise<Features> {
  const g = createBuilder(backbone.graph);
  const features = g.value(backbone.features);
  const level = outputLevel(goal);
  const read = level === "token" ? features : pooledFeatures(g, backbone, features);
  const graph = prune(g.toGraph([read.name]));
  const session = await backbone.runtime.open(graph, { threads });
  try {
    const width = headWidth(backbone, goal);
    const run = { indices, input: backbone.input, output: read.name, width, level, phase: "features" };
    const data = await forwardRows(session, split, { ...call, ...run });
    const count = data.length / width;
    return { count, width, data, ...rowTargets(goal, split, indices, count, classWeights) };
  } finally {
    await session.release();
  }
}

/** Targets of each row of features. */
function rowTargets(
  goal: Goal,
  split: Split,
  indices: Uint32Array,
  count: number,
  classWeights: ArrayLike<number> | undefined,
): TargetBatch {
  const { targets } = split;
  if (targets.kind !== "tags") return targetsAt(goal, split, indices, { batchSize: indices.length }, classWeights);
  const classes = outputNames(goal).length;
  const data = new Float32Array(count * classes);
  let row = 0;
  for (const index of indices) for (const tag of targets.tags(index)) if (tag >= 0) data[row++ * classes + tag] = 1;
  return {
    targets: { shape: [count, classes], data },
    weights: { shape: [count], data: new Float32Array(count).fill(1) },
  };
}
