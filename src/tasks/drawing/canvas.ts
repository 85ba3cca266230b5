import type { Random } from "../../base/index.ts";
import type { Color } from "./color.ts";

/** An image being drawn: channel-first [3, height, width], values 0..255, not yet rounded. */
export interface Canvas {
  readonly height: number;
  readonly width: number;
  readonly data: Float32Array;
}

export function createCanvas(height: number, width: number): Canvas {
  return { height, width, data: new Float32Array(3 * height * width) };
}

/** Lay `color` over the pixel at flat position `at` (row · width + column) with opacity `alpha` in 0..1. */
export function blend({ data, height, width }: Canvas, at: number, color: Color, alpha: number): void {
  const plane = height * width;
  for (let c = 0; c < 3; c++) {
    const k = c * plane + at;
    const old = data[k]!;
    data[k] = old + (color[c]! - old) * alpha;
  }
}

/** Round the canvas to bytes, adding uniform noise of at most ±`noise` per value (0: none). */
export function toBytes(canvas: Canvas, out: Uint8Array | Uint8ClampedArray, random: Random, noise: number): void {
  const { data } = canvas;
  // A linear congruential stream seeded from the image's own: noise needs no quality, and this costs a third.
  let state = random.int(2 ** 31) | 1;
  for (let k = 0; k < data.length; k++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    const value = data[k]! + noise * (state / 2 ** 31);
    out[k] = value <= 0 ? 0 : value >= 255 ? 255 : Math.round(value);
  }
}
