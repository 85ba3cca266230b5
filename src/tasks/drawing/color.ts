import type { Random } from "../../base/index.ts";

/** Red, green, blue in 0..255, not rounded. */
export type Color = readonly [number, number, number];

/** Luma of Rec. 601, 0..255. */
export const luminance = ([r, g, b]: Color): number => 0.299 * r + 0.587 * g + 0.114 * b;

/** A colour of random hue and saturation whose luminance is uniform in [low, high). */
export function colorOfLuminance(random: Random, low: number, high: number): Color {
  const target = random.uniform(low, high);
  const base: Color = [random.uniform(20, 255), random.uniform(20, 255), random.uniform(20, 255)];
  const current = luminance(base);
  if (target <= current) return mixColors([0, 0, 0], base, target / current);
  return mixColors(base, [255, 255, 255], (target - current) / (255 - current));
}

/** a at 0, b at 1. */
export function mixColors(a: Color, b: Color, share: number): Color {
  return [a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share, a[2] + (b[2] - a[2]) * share];
}

/**
 * Colours for a figure on a ground, the luminance of the two apart by at least `gap`: dark on light or light on dark at
 * random. The hues are free, so that no hue tells what is figure.
 */
export function contrastingColors(random: Random, gap: number): { figure: [Color, Color]; ground: [Color, Color] } {
  const middle = random.uniform(95, 160);
  const dark = (): Color => colorOfLuminance(random, 10, middle - gap / 2);
  const light = (): Color => colorOfLuminance(random, middle + gap / 2, 245);
  return random.next() < 0.5
    ? { figure: [dark(), dark()], ground: [light(), light()] }
    : { figure: [light(), light()], ground: [dark(), dark()] };
}
