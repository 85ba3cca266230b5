import type { Backbone } from "../backbone/index.ts";
import { breathe, type LongCall, type RecordStore } from "../base/index.ts";
import { createBuilder, type Graph, prune } from "../graph/index.ts";
import { POOLED, pooledFeatures } from "../methods/index.ts";
import type { HostTensor } from "../runtime/index.ts";
import type { Split } from "../tasks/index.ts";
import { bufferOf, type ExampleBatch, type FeedBuffers, inputFeeds, viewsOf } from "./feeds.ts";
import type { FrozenShelf } from "./frozen-shelf.ts";

/** Values of each example of a split that no training changes, computed once. */
export interface FrozenCache {
  /**
   * The values for a batch, [views · batchSize, …] each, first texts first. Rows beyond the indices repeat the first
   * example. All examples must have been cached at the same number of tokens.
   */
  values(batch: Pick<ExampleBatch, "indices" | "batchSize" | "buffers">): Record<string, HostTensor>;
  close(): void;
}

/** Examples that are computed together; texts are padded to `tokens`. */
export interface CacheBatch {
  readonly indices: Uint32Array;
  readonly tokens?: number;
}

export interface CacheCall extends LongCall {
  readonly threads?: number;
  /** How the backbone's products are computed; values of one precision are not those of another. */
  readonly precision?: string;
  /** Where an earlier training may have left the same values, and a later one may look for them. */
  readonly shelf?: FrozenShelf;
}

/** A value's part of an example's record, one row of it. */
interface Part {
  readonly name: string;
  readonly dims: readonly number[];
  readonly bytes: number;
}

/**
 * Run the plain backbone once over examples and keep some of its values, in memory or a temporary file. The runtime
 * computes a row alike whatever its batch, so the cache holds the same bits however the examples are cut into batches.
 * @param names  float32 values of the backbone's graph whose first axis is the input's rows, or `POOLED`
 * @returns      undefined where there is no room for them
 */
export async function cacheFrozen(
  backbone: Backbone,
  split: Split,
  names: readonly string[],
  batches: readonly CacheBatch[],
  call: CacheCall = {},
): Promise<FrozenCache | undefined> {
  const { shelf, precision, threads } = call;
  if (shelf === undefined) return computeFrozen(backbone, split, names, batches, call);
  const cuts = batches.map(({ indices, tokens }) => [tokens, indices.length, indices[0]]);
  const key = JSON.stringify([backbone.hash, precision, threads, names, cuts]);
  return shelf.take(split, key, () => computeFrozen(backbone, split, names, batches, call));
}

async function computeFrozen(
  backbone: Backbone,
  split: Split,
  names: readonly string[],
  batches: readonly CacheBatch[],
  { threads, signal, onProgress }: CacheCall,
): Promise<FrozenCache | undefined> {
  const { input, runtime } = backbone;
  const views = viewsOf(split);
  const total = batches.reduce((sum, { indices }) => sum + indices.length, 0);
  const places = new Map<number, { readonly record: number; readonly parts: readonly Part[] }>();
  const session = await runtime.open(frozenGraph(backbone, names), { threads });
  const buffers: FeedBuffers = new Map();
  let store: RecordStore | undefined;
  try {
    for (const batch of batches) {
      const { indices, tokens } = batch;
      const results = await session.run(
        inputFeeds({ split, indices, input, batchSize: indices.length, tokens, buffers }),
      );
      const parts = names.map((name) => partOf(name, results[name]!));
      store ??= runtime.scratch(views * bytesOf(parts, batch, batches), signal);
      if (store === undefined) return undefined;
      for (const [row, index] of indices.entries()) {
        places.set(index, { record: store.count, parts });
        store.append(recordOf(results, parts, row, indices.length, views));
      }
      onProgress?.({ phase: "frozen values", done: store.count, total, unit: "examples" });
      await breathe(signal);
    }
  } catch (error) {
    store?.close();
    throw error;
  } finally {
    await session.release();
  }
  const records = store;
  return records && { values, close: records.close };

  function values({
    indices,
    batchSize,
    buffers,
  }: Pick<ExampleBatch, "indices" | "batchSize" | "buffers">): Record<string, HostTensor> {
    const { parts } = places.get(indices[0]!)!;
    const arrays = parts.map(({ name, bytes }) => bufferOf(buffers, name, (views * batchSize * bytes) / 4));
    for (let row = 0; row < batchSize; row++) {
      const record = records!.get(places.get(indices[row] ?? indices[0]!)!.record);
      eachPart(parts, views, (k, view, offset, bytes) => {
        const at = (view * batchSize + row) * bytes;
        new Uint8Array(arrays[k]!.buffer, at, bytes).set(record.subarray(offset, offset + bytes));
      });
    }
    return Object.fromEntries(
      parts.map(({ name, dims }, k) => [
        name,
        { dtype: "float32", shape: [views * batchSize, ...dims], data: arrays[k]! } as const,
      ]),
    );
  }
}

/** The plain backbone up to some values, its axes as dynamic as they were read. */
function frozenGraph(backbone: Backbone, names: readonly string[]): Graph {
  const g = createBuilder(backbone.graph);
  if (names.includes(POOLED)) pooledFeatures(g, backbone, g.value(backbone.features));
  return prune(g.toGraph(names));
}

const partOf = (name: string, { shape: [, ...dims] }: HostTensor): Part => ({
  name,
  dims,
  bytes: 4 * dims.reduce((a, b) => a * b, 1),
});

/** What one view of all batches takes, from that of one: it grows with the tokens, or not at all. */
function bytesOf(parts: readonly Part[], { tokens: known = 1 }: CacheBatch, batches: readonly CacheBatch[]): number {
  const rowBytes = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  return batches.reduce((sum, { indices, tokens = 1 }) => sum + (indices.length * rowBytes * tokens) / known, 0);
}

/** An example's rows of all values, view by view. */
function recordOf(
  results: Readonly<Record<string, HostTensor>>,
  parts: readonly Part[],
  row: number,
  batchSize: number,
  views: number,
): Uint8Array {
  const record = new Uint8Array(views * parts.reduce((sum, { bytes }) => sum + bytes, 0));
  eachPart(parts, views, (k, view, offset, bytes) => {
    const { buffer, byteOffset } = results[parts[k]!.name]!.data;
    record.set(new Uint8Array(buffer, byteOffset + (view * batchSize + row) * bytes, bytes), offset);
  });
  return record;
}

/** Visit the parts of a record in the order they lie in. */
function eachPart(
  parts: readonly Part[],
  views: number,
  visit: (part: number, view: number, offset: number, bytes: number) => void,
): void {
  let offset = 0;
  for (let view = 0; view < views; view++)
    parts.forEach(({ bytes }, k) => {
      visit(k, view, offset, bytes);
      offset += bytes;
    });
}
