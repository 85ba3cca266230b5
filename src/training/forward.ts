import type { ModelInput } from "../backbone/index.ts";
import { breathe, type LongCall } from "../base/index.ts";
import { firstToken, type OutputLevel } from "../objective/index.ts";
import type { HostTensor, Session } from "../runtime/index.ts";
import type { Split } from "../tasks/index.ts";
import { type ExampleBatch, type FeedBuffers, inputFeeds, longest, viewsOf } from "./feeds.ts";
import type { CacheBatch } from "./frozen-cache.ts";

/** Numbers of all pictures of a forward pass: 13 of 224 × 224, whose values between then take less than a training step's. */
const FORWARD_PIXELS = 1 << 21;

/** Examples a forward pass takes at once; results do not depend on it but for rounding. */
export function forwardBatchSize(input: ModelInput): number {
  if (input.kind === "text") return 32;
  return Math.max(1, Math.min(100, Math.floor(FORWARD_PIXELS / (3 * input.height * input.width))));
}

/** What to run over which examples, and what to gather. */
export interface ForwardRun extends LongCall {
  /** Which examples, in this order; default all of the split. */
  readonly indices?: Uint32Array;
  readonly input: ModelInput;
  /** The output to gather: [rows, width], or [rows, tokens, width] where the level is `token`. */
  readonly output: string;
  readonly width: number;
  /** Default `example`. */
  readonly level?: OutputLevel;
  /** Examples at once; default up to 100 pictures, fewer if they are large, or 32 texts. The last batch may be short. */
  readonly batchSize?: number;
  /** What a batch is fed as; default the model's inputs. */
  readonly feedsOf?: (batch: ExampleBatch) => Record<string, HostTensor>;
  /** Where batches are written, to be used again in the next run; default the run's own. */
  readonly buffers?: FeedBuffers;
  /** Inputs that are the same for every batch. */
  readonly feeds?: Readonly<Record<string, HostTensor>>;
  /** What progress calls it; without a name none is reported. */
  readonly phase?: string;
}

/**
 * Run a forward graph over examples of a split; texts of like length go together.
 * @returns rows of `output` in the order of the indices: one for each example, for each of its texts (`embedding`), or
 *          for each of its tokens that has a tag (`token`); [rows, width]
 */
export async function forwardRows(session: Session, split: Split, run: ForwardRun): Promise<Float32Array> {
  const {
    indices = allIndices(split.count),
    input,
    output,
    width,
    level = "example",
    feeds,
    feedsOf = inputFeeds,
    buffers = new Map(),
  } = run;
  const rowsOf = rowCounter(split, level);
  const starts = new Uint32Array(indices.length + 1);
  indices.forEach((index, at) => {
    starts[at + 1] = starts[at]! + rowsOf(index);
  });
  const rows = new Float32Array(starts[indices.length]! * width);
  let done = 0;
  for (const { places, indices: part, tokens } of cutBatches(
    split,
    indices,
    run.batchSize ?? forwardBatchSize(input),
  )) {
    const batch = { split, indices: part, input, batchSize: part.length, tokens, buffers };
    const results = await session.run({ ...feeds, ...feedsOf(batch) });
    const { data, shape } = results[output]!;
    const values = data as Float32Array;
    places.forEach((at, row) => {
      const into = starts[at]! * width;
      if (level === "token") {
        const tags = tagsOf(split, part[row]!);
        const first = firstToken(split, row, tags.length, shape[1]!);
        copyTagged(tags, values.subarray(first * width), width, rows, into);
      } else
        for (let view = 0; view < rowsOf(part[row]!); view++) {
          const from = (view * part.length + row) * width;
          rows.set(values.subarray(from, from + width), into + view * width);
        }
    });
    done += part.length;
    if (run.phase !== undefined) run.onProgress?.({ phase: run.phase, done, total: indices.length, unit: "examples" });
    await breathe(run.signal);
  }
  return rows;
}

/** The batches in which `forwardRows` takes a whole split by default. */
export const forwardBatches = (split: Split, input: ModelInput): readonly CacheBatch[] =>
  cutBatches(split, allIndices(split.count), forwardBatchSize(input));

/** Batches of like length, and where in the list of indices each example stands. */
function cutBatches(split: Split, indices: Uint32Array, batchSize: number) {
  const order = byLength(split, indices);
  return Array.from({ length: Math.ceil(order.length / batchSize) }, (_, k) => {
    const places = order.subarray(k * batchSize, (k + 1) * batchSize);
    const part = places.map((at) => indices[at]!);
    return { places, indices: part, tokens: split.kind === "text" ? longest(split, part) : undefined };
  });
}

/** 0, 1, …, count − 1. */
export const allIndices = (count: number): Uint32Array => Uint32Array.from({ length: count }, (_, k) => k);

function rowCounter(split: Split, level: OutputLevel): (index: number) => number {
  if (level !== "token") return () => (level === "embedding" ? viewsOf(split) : 1);
  return (index) => tagsOf(split, index).reduce((count, tag) => count + (tag >= 0 ? 1 : 0), 0);
}

function tagsOf({ targets }: Split, index: number): Int32Array {
  if (targets.kind !== "tags") throw new TypeError(`the split's targets are ${targets.kind}, not tags`);
  return targets.tags(index);
}

/** `from` starts with the example's first token, behind its padding if that is in front. */
function copyTagged(tags: Int32Array, from: Float32Array, width: number, into: Float32Array, at: number) {
  tags.forEach((tag, token) => {
    if (tag < 0) return;
    into.set(from.subarray(token * width, (token + 1) * width), at);
    at += width;
  });
}

/** Places in the list of indices, shortest texts first; pictures as they come. */
function byLength(split: Split, indices: Uint32Array): Uint32Array {
  const places = allIndices(indices.length);
  if (split.kind === "image") return places;
  const lengths = indices.map((index) => split.length(index));
  return places.sort((a, b) => lengths[a]! - lengths[b]! || a - b);
}
