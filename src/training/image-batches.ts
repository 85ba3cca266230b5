import type { ImageInput } from "../backbone/index.ts";
import type { HostTensor } from "../runtime/index.ts";
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

/** Images at `indices` in batches for a forward pass alone; the last one may be short. */
export function* forwardBatches(split: Split, indices: Uint32Array, size: number, input: ImageInput) {
  const { height, width, mean, std } = input;
  for (let start = 0; start < indices.length; start += size) {
    const part = indices.subarray(start, start + size);
    const shape = [part.length, 3, height, width];
    const { images } = batchAt(split, part, { height, width, mean, std, classes: 0, batchSize: part.length });
    yield { pixels: { dtype: "float32", shape, data: images } satisfies HostTensor, count: part.length };
  }
}

/** 0, 1, …, count − 1. */
export const allIndices = (count: number): Uint32Array => Uint32Array.from({ length: count }, (_, k) => k);
