import type { Backbone } from "../backbone/index.ts";
import type { LongCall } from "../base/index.ts";
import { createBuilder, prune } from "../graph/index.ts";
import { pool, pooledSize } from "../objective/index.ts";
import type { Split } from "../tasks/index.ts";
import { allIndices, forwardRows } from "./image-batches.ts";

/** Pooled features of a frozen backbone, one row per example. */
export interface Features {
  readonly count: number;
  readonly width: number;
  /** [count, width] */
  readonly data: Float32Array;
  /** [count] */
  readonly labels: Int32Array;
}

/** A name no model's file uses. */
const POOLED = "graft/pooled";

/**
 * Run the plain backbone over examples of a split and pool its features.
 * @param indices  which examples, in this order; default all
 */
export async function extractFeatures(
  backbone: Backbone,
  split: Split,
  {
    indices = allIndices(split.count),
    threads,
    ...call
  }: {
    readonly indices?: Uint32Array;
    readonly threads?: number;
  } & LongCall = {},
): Promise<Features> {
  const g = createBuilder(backbone.graph);
  const pooled = pool(g, g.value(backbone.features), backbone.pooling);
  const graph = prune(g.toGraph([g.rename(pooled, POOLED).name]));
  const session = await backbone.runtime.open(graph, threads === undefined ? {} : { threads });
  try {
    const width = pooledSize(backbone.hiddenSize, backbone.pooling);
    const run = { indices, input: backbone.input, output: POOLED, width, phase: "features" };
    const data = await forwardRows(session, split, { ...call, ...run });
    return { count: indices.length, width, data, labels: Int32Array.from(indices, (index) => split.labels[index]!) };
  } finally {
    await session.release();
  }
}
