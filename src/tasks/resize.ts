import type { ImageSplit, ImageTask } from "./task.ts";

export interface ImageSize {
  readonly height: number;
  readonly width: number;
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
