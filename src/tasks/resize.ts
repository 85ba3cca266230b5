import { type Filter, resample, type Window } from "./resample.ts";
import type { ImageSplit, ImageTask } from "./task.ts";

export interface ImageSize {
  readonly height: number;
  readonly width: number;
}

/**
 * How a picture of any size becomes one of a model's size:
 * - `cover`: resized so that it covers the size, what sticks out cut off evenly (see `resizeAndCrop`);
 * - `crop`: not resized, cut or padded with black about the middle;
 * - `exact`: stretched, so that the middle `share` of each side has the size, and that middle cut out;
 * - `shortest-edge`: the same without stretching: `share` is of the short side, and what is missing then is black.
 *
 * The latter two are what Python's image processors do on Pillow, to the bit; share 1 is all of a side.
 */
export type Resize =
  | { readonly mode: "cover" }
  | { readonly mode: "crop" }
  | { readonly mode: "exact"; readonly share: ImageSize; readonly filter: Filter }
  | { readonly mode: "shortest-edge"; readonly share: number; readonly filter: Filter };

/** The size a model takes pictures in, and how they are brought to it. */
export interface ImageTarget extends ImageSize {
  /** Default `cover`. */
  readonly resize?: Resize;
}

/**
 * Bring a picture to a model's size. The same bytes in Node and in browsers.
 * @param pixels  bytes [3, from.height, from.width], from the top left; not modified
 * @returns       bytes [3, to.height, to.width]
 */
export function fitImage(pixels: ArrayLike<number>, from: ImageSize, to: ImageTarget): Uint8Array {
  const { resize = { mode: "cover" } } = to;
  if (resize.mode === "cover") return resizeAndCrop(pixels, from, to);
  if (resize.mode === "crop") return resample(pixels, from, from, "nearest", middle(from, to));
  const whole = resizedSize(from, to, resize);
  return resample(pixels, from, whole, resize.filter, middle(whole, to));
}

/** Size of the resized picture that the middle is cut from. */
function resizedSize(
  { height, width }: ImageSize,
  to: ImageSize,
  resize: Extract<Resize, { mode: "exact" | "shortest-edge" }>,
): ImageSize {
  if (resize.mode === "exact")
    return { height: Math.round(to.height / resize.share.height), width: Math.round(to.width / resize.share.width) };
  const short = Math.round(Math.min(to.height, to.width) / resize.share);
  const long = Math.trunc((short * Math.max(height, width)) / Math.min(height, width));
  return height < width ? { height: short, width: long } : { height: long, width: short };
}

function middle(of: ImageSize, { height, width }: ImageSize): Window {
  return { height, width, top: Math.floor((of.height - height) / 2), left: Math.floor((of.width - width) / 2) };
}

/**
 * Resize an image so that it covers `to`, and cut what sticks out evenly on both sides. The filter is a triangle as wide
 * as the scale asks for (antialiased bilinear), so Node and browsers get the same pixels from the same decoded image.
 * @param pixels  bytes [3, from.height, from.width]; not modified
 * @returns       bytes [3, to.height, to.width]
 */
export function resizeAndCrop(pixels: ArrayLike<number>, from: ImageSize, to: ImageSize): Uint8Array {
  const scale = Math.min(from.width / to.width, from.height / to.height); // source pixels per pixel
  const across = taps(from.width, to.width, scale);
  const down = taps(from.height, to.height, scale);
  const out = new Uint8Array(3 * to.height * to.width);
  const rows = new Float32Array(from.height * to.width);
  for (let c = 0; c < 3; c++) {
    const plane = c * from.height * from.width;
    for (let y = 0; y < from.height; y++) {
      for (let x = 0; x < to.width; x++) {
        const { start, weights } = across[x]!;
        let sum = 0;
        for (let k = 0; k < weights.length; k++) sum += weights[k]! * pixels[plane + y * from.width + start + k]!;
        rows[y * to.width + x] = sum;
      }
    }
    for (let y = 0; y < to.height; y++) {
      const { start, weights } = down[y]!;
      for (let x = 0; x < to.width; x++) {
        let sum = 0;
        for (let k = 0; k < weights.length; k++) sum += weights[k]! * rows[(start + k) * to.width + x]!;
        out[(c * to.height + y) * to.width + x] = Math.round(sum); // weights add up to 1: no overshoot
      }
    }
  }
  return out;
}

/** The source pixels one output pixel is a mean of, from `start` on. */
interface Taps {
  readonly start: number;
  readonly weights: Float64Array;
}

/** Triangle filter of half width max(1, scale) source pixels about each output pixel's centre; cut at the borders. */
function taps(from: number, to: number, scale: number): Taps[] {
  const margin = (from - to * scale) / 2;
  const reach = Math.max(1, scale);
  return Array.from({ length: to }, (_, k) => {
    const center = margin + (k + 0.5) * scale;
    const start = Math.max(0, Math.floor(center - reach));
    const end = Math.min(from, Math.ceil(center + reach));
    const weights = Float64Array.from({ length: end - start }, (_, i) =>
      Math.max(0, 1 - Math.abs(start + i + 0.5 - center) / reach),
    );
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return { start, weights: weights.map((weight) => weight / sum) };
  });
}

/** The task with its images at another size, each resized when first asked for; the task itself where the size is the same. */
export function resizeTask(task: ImageTask, to: ImageSize): ImageTask {
  if (task.image.height === to.height && task.image.width === to.width) return task;
  const resized = (split: ImageSplit): ImageSplit => {
    const store: (Uint8Array | undefined)[] = new Array(split.count);
    return { ...split, pixels: (index) => (store[index] ??= resizeAndCrop(split.pixels(index), task.image, to)) };
  };
  return {
    ...task,
    image: { height: to.height, width: to.width },
    // A shift is a share of the picture.
    augment: { ...task.augment, shift: Math.round((task.augment.shift * to.width) / task.image.width) },
    train: resized(task.train),
    validation: resized(task.validation),
    test: resized(task.test),
  };
}
