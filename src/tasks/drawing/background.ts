import type { Random } from "../../base/index.ts";
import type { Canvas } from "./canvas.ts";
import type { Color } from "./color.ts";

/** Fill the canvas with a mix of two colours: at random solid, a gradient, cloudy noise or stripes. */
export function drawBackground(canvas: Canvas, colors: readonly [Color, Color], random: Random): void {
  const draw = [drawSolid, drawGradient, drawClouds, drawStripes][random.int(4)]!;
  draw(canvas, colors, random);
}

function drawSolid(canvas: Canvas, colors: readonly [Color, Color]): void {
  fill(canvas, colors, () => 0);
}

export function drawGradient(canvas: Canvas, colors: readonly [Color, Color], random: Random): void {
  const [cos, sin] = direction(random);
  const { width, height } = canvas;
  const reach = (Math.abs(cos) * width + Math.abs(sin) * height) / 2;
  fill(canvas, colors, (x, y) => 0.5 + ((x - width / 2) * cos + (y - height / 2) * sin) / (2 * reach));
}

/** Value noise: a random grid of 2 to 8 cells across, interpolated bilinearly. */
export function drawClouds(canvas: Canvas, colors: readonly [Color, Color], random: Random): void {
  const cells = 2 + random.int(7);
  const side = cells + 2;
  const grid = Float32Array.from({ length: side * side }, () => random.next());
  const { width, height } = canvas;
  fill(canvas, colors, (x, y) => {
    const u = (x * cells) / width;
    const v = (y * cells) / height;
    const column = Math.floor(u);
    const row = Math.floor(v);
    const [fu, fv] = [u - column, v - row];
    const at = row * side + column;
    const top = grid[at]! + (grid[at + 1]! - grid[at]!) * fu;
    const bottom = grid[at + side]! + (grid[at + side + 1]! - grid[at + side]!) * fu;
    return top + (bottom - top) * fv;
  });
}

/** Sine stripes of period 3 to 12 pixels (at 32 across) in a random direction. */
export function drawStripes(canvas: Canvas, colors: readonly [Color, Color], random: Random): void {
  const [cos, sin] = direction(random);
  const frequency = (2 * Math.PI * 32) / (canvas.width * random.uniform(3, 12));
  const phase = random.uniform(0, 2 * Math.PI);
  fill(canvas, colors, (x, y) => 0.5 + 0.5 * Math.sin((x * cos + y * sin) * frequency + phase));
}

/** `share(x, y)` in 0..1 says how much of the second colour a pixel centre at (x, y) gets. */
function fill(
  { data, height, width }: Canvas,
  [a, b]: readonly [Color, Color],
  share: (x: number, y: number) => number,
): void {
  const plane = height * width;
  const [dr, dg, db] = [b[0] - a[0], b[1] - a[1], b[2] - a[2]];
  for (let y = 0, k = 0; y < height; y++) {
    for (let x = 0; x < width; x++, k++) {
      const t = share(x + 0.5, y + 0.5);
      data[k] = a[0] + dr * t;
      data[k + plane] = a[1] + dg * t;
      data[k + 2 * plane] = a[2] + db * t;
    }
  }
}

function direction(random: Random): [number, number] {
  const angle = random.uniform(0, 2 * Math.PI);
  return [Math.cos(angle), Math.sin(angle)];
}
