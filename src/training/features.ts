import type { Backbone } from "../backbone/index.ts";
import { breathe, type LongCall } from "../base/index.ts";
import { createBuilder, prune } from "../graph/index.ts";
import { pool, pooledSize } from "../objective/index.ts";
import type { Split } from "../tasks/index.ts";
import { allIndices, forwardBatches } from "./image-batches.ts";

/** Pooled features of a frozen backbone, one row per example. */
export interface Features {
  readonly count: number;
  readonly width: number;
  /** [count, width] */
  readonly data: Float32Array;
  /** [count] */
  readonly labels: Int32Array;
}

/** Forward batches are this large; results do not depend on it. */
const FORWARD_BATCH = 100;

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
    signal,
    onProgress,
  }: {
    readonly indices?: Uint32Array;
    readonly threads?: number;
  } & LongCall = {},
): Promise<Features> {
  const g = createBuilder(backbone.graph);
  const pooled = pool(g, g.value(backbone.features), backbone.pooling);
  const graph = prune(g.toGraph([g.rename(pooled, "graft/pooled").name]));
  const session = await backbone.runtime.open(graph, threads === undefined ? {} : { threads });
  try {
    const width = pooledSize(backbone.hiddenSize, backbone.pooling);
    const data = new Float32Array(indices.length * width);
    let done = 0;
    for (const { pixels, count } of forwardBatches(split, indices, FORWARD_BATCH, backbone.input)) {
      const result = await session.run({ [backbone.input.name]: pixels });
      data.set(result["graft/pooled"]!.data as Float32Array, done * width);
      done += count;
      onProgress?.({ phase: "features", done, total: indices.length, unit: "images" });
      await breathe(signal);
    }
    return { count: indices.length, width, data, labels: Int32Array.from(indices, (index) => split.labels[index]!) };
  } finally {
    await session.release();
  }
}
