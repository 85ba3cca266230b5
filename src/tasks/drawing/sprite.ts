import { blend, type Canvas } from "./canvas.ts";
import { type Color, mixColors } from "./color.ts";

/** A small picture in two tones: how opaque each pixel is, and how much of the second colour it has. */
export interface Sprite {
  readonly size: number;
  /** Opacity, 0..255, [size, size]. */
  readonly alpha: Uint8Array;
  /** Opacity times share of the second colour, 0..255, [size, size] (premultiplied, so that it can be interpolated). */
  readonly tone: Uint8Array;
}

/** Where and how a sprite is drawn. */
export interface SpritePose {
  /** Centre on the canvas, pixels. */
  readonly x: number;
  readonly y: number;
  /** Side of the drawn sprite, pixels. */
  readonly side: number;
  /** Radians, counter-clockwise as seen with y downwards being the picture's down. */
  readonly rotation: number;
}

const { round, floor, ceil, min, max, cos, sin, hypot } = Math;

/** Draw a sprite in two colours; each pixel averages 2 × 2 bilinear samples, so shrinking to a third stays clean. */
export function drawSprite(canvas: Canvas, sprite: Sprite, colors: readonly [Color, Color], pose: SpritePose): void {
  const { size } = sprite;
  const step = size / pose.side; // sprite pixels per canvas pixel
  const [ux, uy] = [cos(pose.rotation) * step, sin(pose.rotation) * step];
  const reach = hypot(pose.side, pose.side) / 2;
  const [top, bottom] = [max(0, floor(pose.y - reach)), min(canvas.height, ceil(pose.y + reach))];
  const [left, right] = [max(0, floor(pose.x - reach)), min(canvas.width, ceil(pose.x + reach))];
  const sum = { alpha: 0, tone: 0 };
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) {
      sum.alpha = 0;
      sum.tone = 0;
      for (let sample = 0; sample < 4; sample++) {
        const dx = column + 0.25 + 0.5 * (sample & 1) - pose.x;
        const dy = row + 0.25 + 0.5 * (sample >> 1) - pose.y;
        addSample(sprite, dx * ux - dy * uy + size / 2 - 0.5, dx * uy + dy * ux + size / 2 - 0.5, sum);
      }
      if (sum.alpha < 4) continue;
      blend(
        canvas,
        row * canvas.width + column,
        mixColors(colors[0], colors[1], sum.tone / sum.alpha),
        sum.alpha / 1020,
      );
    }
  }
}

/** Add the bilinear sample at (u, v) in pixel-centre coordinates; outside the sprite there is nothing. */
function addSample({ size, alpha, tone }: Sprite, u: number, v: number, sum: { alpha: number; tone: number }): void {
  const column = floor(u);
  const row = floor(v);
  if (column < 0 || row < 0 || column >= size - 1 || row >= size - 1) return;
  const fu = u - column;
  const fv = v - row;
  const at = row * size + column;
  const w00 = (1 - fu) * (1 - fv);
  const w01 = fu * (1 - fv);
  const w10 = (1 - fu) * fv;
  const w11 = fu * fv;
  sum.alpha += w00 * alpha[at]! + w01 * alpha[at + 1]! + w10 * alpha[at + size]! + w11 * alpha[at + size + 1]!;
  sum.tone += w00 * tone[at]! + w01 * tone[at + 1]! + w10 * tone[at + size]! + w11 * tone[at + size + 1]!;
}

/** Make a sprite from opacity and share of the second colour, both 0..1. */
export function spriteFrom(size: number, sample: (k: number) => { alpha: number; tone: number }): Sprite {
  const alpha = new Uint8Array(size * size);
  const tone = new Uint8Array(size * size);
  for (let k = 0; k < size * size; k++) {
    const s = sample(k);
    alpha[k] = round(255 * min(1, max(0, s.alpha)));
    tone[k] = round(alpha[k]! * min(1, max(0, s.tone)));
  }
  return { size, alpha, tone };
}
