import type { Backbone } from "../backbone/index.ts";
import { breathe, GraftError, type LongCall, type RecordStore } from "../base/index.ts";
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
  values(batch: FrozenBatch): Record<string, HostTensor>;
  close(): void;
}

type FrozenBatch = Pick<ExampleBatch, "indices" | "batchSize" | "buffers" | "augment">;

/** One of these values, of all examples. */
export interface FrozenColumn {
  readonly name: string;
  readonly bytes: number;
  values(batch: FrozenBatch): HostTensor;
  close(): void;
}

/** Examples that are computed together; texts are padded to `tokens`. */
export interface CacheBatch extends Pick<ExampleBatch, "indices" | "tokens"> {
  /** Changes of the pictures; those of another epoch are other examples. */
  readonly augment?: ExampleBatch["augment"];
}

export interface CacheCall extends LongCall {
  readonly threads?: number;
  /** How the backbone's products are computed; values of one precision are not those of another. */
  readonly precision?: string;
  /** Where an earlier training may have left the same values, and a later one may look for them. */
  readonly shelf?: FrozenShelf;
  /** Bytes that are worth it; default: all there is room for. */
  readonly most?: number;
  /** Told where there is no room, and values are computed again each time. */
  readonly onNote?: (text: string) => void;
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
  const make = (missing: readonly string[]) => computeFrozen(backbone, split, missing, batches, call);
  const cuts = batches.map(({ tokens, indices, augment }) => [tokens, indices.length, indices[0], augment]);
  const key = JSON.stringify([backbone.hash, precision, threads, cuts]);
  const columns = await (shelf ? shelf.take(split, key, names, make) : make(names));
  return (
    columns && {
      values: (batch) => Object.fromEntries(columns.map((column) => [column.name, column.values(batch)])),
      close: () => closeAll(columns),
    }
  );
}

async function computeFrozen(
  backbone: Backbone,
  split: Split,
  names: readonly string[],
  batches: readonly CacheBatch[],
  { threads, signal, onProgress, shelf, most = Number.POSITIVE_INFINITY, onNote }: CacheCall,
): Promise<readonly FrozenColumn[] | undefined> {
  const { input, runtime } = backbone;
  const views = viewsOf(split);
  const total = batches.reduce((sum, { indices }) => sum + indices.length, 0);
  const open: OpenColumn[] = [];
  const session = await runtime.open(frozenGraph(backbone, names), { threads });
  const buffers: FeedBuffers = new Map();
  let [done, bytes] = [0, 0];
  const noRoom = (): undefined => {
    onNote?.(`no room for ${Math.ceil(bytes / 1e6)} MB of frozen values: they are computed again each time`);
  };
  try {
    for (const batch of batches) {
      const { indices, tokens, augment } = batch;
      const results = await session.run(
        inputFeeds({ split, indices, input, batchSize: indices.length, tokens, augment, buffers }),
      );
      if (open.length === 0) {
        const sizes = names.map((name) => bytesOf(results[name]!, batch, batches));
        bytes = sizes.reduce((a, b) => a + b);
        if (bytes > most) return undefined;
        // What a shelf keeps outlives the training that made it.
        const stores = await runtime.scratch(sizes, shelf ? undefined : signal);
        if (stores === undefined) return noRoom();
        const keyOf = (index: number, epoch: number) => epoch * split.count + index;
        open.push(...names.map((name, k) => openColumn(name, views, stores[k]!, keyOf)));
      }
      for (const column of open) column.append(results[column.name]!, batch);
      done += indices.length;
      onProgress?.({ phase: "frozen values", done, total, unit: "examples" });
      await breathe(signal);
    }
    return open;
  } catch (error) {
    closeAll(open);
    // Others may have filled the disk since there was room on it.
    if (error instanceof GraftError && error.code === "FILE_DISK_FULL") return noRoom();
    throw error;
  } finally {
    await session.release();
  }
}

interface OpenColumn extends FrozenColumn {
  /** @param value [views · indices, …] */
  append(value: HostTensor, batch: CacheBatch): void;
}

function openColumn(
  name: string,
  views: number,
  store: RecordStore,
  keyOf: (index: number, epoch: number) => number,
): OpenColumn {
  // A record holds an example's rows, view by view.
  const places = new Map<number, { readonly record: number; readonly rowShape: readonly number[] }>();
  let [bytes, hasEpochs] = [0, false];
  const placeOf = (index: number, augment: ExampleBatch["augment"]) =>
    places.get(keyOf(index, hasEpochs ? (augment?.epoch ?? 0) : 0))!;
  return {
    name,
    get bytes() {
      return bytes;
    },
    close: store.close,
    append({ shape: [, ...rowShape], data: { buffer, byteOffset } }, { indices, augment }) {
      hasEpochs ||= augment !== undefined;
      const rowBytes = bytesOfRow(rowShape);
      for (const [row, index] of indices.entries()) {
        const record = new Uint8Array(views * rowBytes);
        for (let view = 0; view < views; view++) {
          const at = byteOffset + (view * indices.length + row) * rowBytes;
          record.set(new Uint8Array(buffer, at, rowBytes), view * rowBytes);
        }
        places.set(keyOf(index, augment?.epoch ?? 0), { record: store.count, rowShape });
        store.append(record);
        bytes += record.length;
      }
    },
    values({ indices, batchSize, buffers, augment }) {
      const { rowShape } = placeOf(indices[0]!, augment);
      const rowBytes = bytesOfRow(rowShape);
      const data = bufferOf(buffers, name, (views * batchSize * rowBytes) / 4);
      const into = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      for (let row = 0; row < batchSize; row++) {
        const record = store.get(placeOf(indices[row] ?? indices[0]!, augment).record);
        for (let view = 0; view < views; view++)
          into.set(record.subarray(view * rowBytes, (view + 1) * rowBytes), (view * batchSize + row) * rowBytes);
      }
      return { dtype: "float32", shape: [views * batchSize, ...rowShape], data };
    },
  };
}

function closeAll(columns: readonly FrozenColumn[]): void {
  for (const column of columns) column.close();
}

const bytesOfRow = (rowShape: readonly number[]): number => 4 * rowShape.reduce((a, b) => a * b, 1);

/** What a value takes of all batches, from that of one: it grows with the tokens, or not at all. */
function bytesOf({ data }: HostTensor, { indices, tokens: known = 1 }: CacheBatch, batches: readonly CacheBatch[]) {
  const each = data.byteLength / indices.length;
  return batches.reduce((sum, { indices, tokens = 1 }) => sum + (indices.length * each * tokens) / known, 0);
}

/** The plain backbone up to some values, its axes as dynamic as they were read. */
function frozenGraph(backbone: Backbone, names: readonly string[]): Graph {
  const g = createBuilder(backbone.graph);
  if (names.includes(POOLED)) pooledFeatures(g, backbone, g.value(backbone.features));
  return prune(g.toGraph(names));
}
