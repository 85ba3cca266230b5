import type { ImageInput } from "../backbone/index.ts";
import { breathe, type LongCall } from "../base/index.ts";
import type { HostTensor, Session } from "../runtime/index.ts";
import { type Augmentation, batchAt, type Split } from "../tasks/index.ts";

/** Which images go into a batch, and how. */
export interface ImageBatch {
  readonly split: Split;
  readonly indices: Uint32Array;
  readonly input: ImageInput;
  readonly classes: number;
  /** Rows of the batch; those beyond the indices are padding of weight 0. */
  readonly batchSize: number;
  readonly augment?: Augmentation & { readonly seed: number; readonly epoch: number };
}

/** The feeds of a classifier's step graph: pixels under the backbone's input name, `targets`, `weights`. */
export function classifierFeeds({ split, indices, input, ...options }: ImageBatch): Record<string, HostTensor> {
  const { batchSize, classes } = options;
  const { images, targets, weights } = batchAt(split, indices, { ...input, ...options });
  return {
    [input.name]: { dtype: "float32", shape: [batchSize, 3, input.height, input.width], data: images },
    targets: { dtype: "float32", shape: [batchSize, classes], data: targets },
    weights: { dtype: "float32", shape: [batchSize], data: weights },
  };
}

/** Images a forward pass takes at once; results do not depend on it but for rounding. */
const FORWARD_BATCH = 100;

/** What to run over which images, and what to gather. */
export interface ForwardRun extends LongCall {
  /** Which images, in this order; default all of the split. */
  readonly indices?: Uint32Array;
  readonly input: ImageInput;
  /** The output to gather, [batch, width]. */
  readonly output: string;
  readonly width: number;
  /** Images at once; default 100. The last batch may be short. */
  readonly batchSize?: number;
  /** Inputs that are the same for every batch. */
  readonly feeds?: Readonly<Record<string, HostTensor>>;
  /** What progress calls it; without a name none is reported. */
  readonly phase?: string;
}

/**
 * Run a forward graph over images of a split.
 * @returns the rows of `output` one below the other, [indices, width]
 */
export async function forwardRows(session: Session, split: Split, run: ForwardRun): Promise<Float32Array> {
  const { indices = allIndices(split.count), input, output, width, batchSize = FORWARD_BATCH, feeds } = run;
  const { name, ...picture } = input;
  const rows = new Float32Array(indices.length * width);
  for (let start = 0; start < indices.length; start += batchSize) {
    const part = indices.subarray(start, start + batchSize);
    const { images } = batchAt(split, part, { ...picture, classes: 0, batchSize: part.length });
    const shape = [part.length, 3, input.height, input.width];
    const results = await session.run({ ...feeds, [name]: { dtype: "float32", shape, data: images } });
    rows.set(results[output]!.data as Float32Array, start * width);
    const done = start + part.length;
    if (run.phase !== undefined) run.onProgress?.({ phase: run.phase, done, total: indices.length, unit: "images" });
    await breathe(run.signal);
  }
  return rows;
}

/** 0, 1, …, count − 1. */
export const allIndices = (count: number): Uint32Array => Uint32Array.from({ length: count }, (_, k) => k);
