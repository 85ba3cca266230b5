import { GraftError, nameSeed, random } from "../base/index.ts";
import type { Augmentation, ImageSplit } from "./task.ts";

export interface ImageBatchOptions {
  readonly height: number;
  readonly width: number;
  /** Rows of the batch; more than `indices` leaves padding rows. */
  readonly batchSize: number;
  /** Per channel, in units where black is 0 and white is 1. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Random changes to the images; default none. */
  readonly augment?: Augmentation & { readonly seed: number; readonly epoch: number };
  /** Where the pixels go, [batchSize, 3, height, width], whatever lies there; default a new array. */
  readonly into?: Float32Array;
}

/**
 * Gather the images at `indices`. A pure function of its arguments: augmentation depends on (seed, epoch, image index),
 * not on the batch an image falls in, so a run resumed in mid-epoch meets the same bits.
 * @returns normalised pixels, (value / 255 − mean) / std, [batchSize, 3, height, width], in `into` if given; padding rows are 0
 * @throws GraftError BATCH_TOO_SMALL, IMAGE_SIZE
 */
export function imagesAt(split: ImageSplit, indices: ArrayLike<number>, options: ImageBatchOptions): Float32Array {
  const { height, width, batchSize, augment } = options;
  const bytes = 3 * height * width;
  if (indices.length > batchSize) {
    throw new GraftError("BATCH_TOO_SMALL", {
      thing: `${indices.length} images`,
      place: `a batch of ${batchSize} rows`,
      remedy: "Ask for at most as many images as the batch has rows",
    });
  }
  const images = options.into ?? new Float32Array(batchSize * bytes);
  images.fill(0, indices.length * bytes);
  const tables = normalizationTables(options.mean, options.std);
  for (let row = 0; row < indices.length; row++) {
    const index = indices[row]!;
    const pixels = split.pixels(index);
    if (pixels.length !== bytes) {
      throw new GraftError("IMAGE_SIZE", {
        thing: `image ${index} of ${pixels.length} bytes`,
        place: `a batch of images [3, ${height}, ${width}], ${bytes} bytes each`,
        remedy: "Open the task at the size the backbone takes, or pass it through resizeTask",
      });
    }
    const change = augment === undefined ? unchanged : drawChange(augment, index);
    normalizeInto(images.subarray(row * bytes, (row + 1) * bytes), pixels, { height, width, change, tables });
  }
  return images;
}

/** The images 0..count − 1 in the order of one epoch: a pure function of (count, seed, epoch). */
export function epochOrder(count: number, seed: number, epoch: number): Uint32Array {
  return random(seed, nameSeed("epoch-order"), epoch).permutation(count);
}

interface Change {
  readonly flip: boolean;
  /** Pixels the picture moves right and down. */
  readonly right: number;
  readonly down: number;
}

const unchanged: Change = { flip: false, right: 0, down: 0 };

function drawChange({ flip, shift, seed, epoch }: NonNullable<ImageBatchOptions["augment"]>, index: number): Change {
  const stream = random(seed, nameSeed("augment"), epoch, index);
  const coin = stream.next() < 0.5;
  const [right, down] = [stream.int(2 * shift + 1) - shift, stream.int(2 * shift + 1) - shift];
  return { flip: flip && coin, right, down };
}

/** What each byte becomes, [256] per channel. */
function normalizationTables(mean: readonly number[], std: readonly number[]): Float32Array[] {
  return [0, 1, 2].map((c) => Float32Array.from({ length: 256 }, (_, value) => (value / 255 - mean[c]!) / std[c]!));
}

/** Pixels that a shift brings in from outside repeat the border. */
function normalizeInto(
  out: Float32Array,
  pixels: Uint8Array,
  { height, width, change, tables }: { height: number; width: number; change: Change; tables: Float32Array[] },
): void {
  const [red, green, blue] = tables as [Float32Array, Float32Array, Float32Array];
  const columns = new Int32Array(width);
  for (let x = 0; x < width; x++) {
    const from = Math.min(width - 1, Math.max(0, x - change.right));
    columns[x] = change.flip ? width - 1 - from : from;
  }
  const plane = height * width;
  for (let y = 0; y < height; y++) {
    const row = Math.min(height - 1, Math.max(0, y - change.down)) * width;
    for (let x = 0; x < width; x++) {
      // The three planes in one pass: a step waits for this.
      const at = y * width + x;
      const from = row + columns[x]!;
      out[at] = red[pixels[from]!]!;
      out[at + plane] = green[pixels[from + plane]!]!;
      out[at + 2 * plane] = blue[pixels[from + 2 * plane]!]!;
    }
  }
}
