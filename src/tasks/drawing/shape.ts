import { blend, type Canvas } from "./canvas.ts";
import { type Color, mixColors } from "./color.ts";

/** Whether (x, y) lies in the shape, which fills the unit disc about its centre; y points down. */
type Inside = (x: number, y: number) => boolean;

const { abs, sqrt, atan2, cos, floor, ceil, max, min, PI } = Math;

const inside = {
  circle: (x, y) => x * x + y * y < 0.81,
  square: (x, y) => abs(x) < 0.75 && abs(y) < 0.75,
  ellipse: (x, y) => x * x + (y * y) / 0.25 < 1,
  triangle: (x, y) => y < 0.6 && y > -1 + abs(x) * 1.75,
  heart: (x, y) => {
    const [u, v] = [1.2 * x, -1.15 * y + 0.15];
    const r = u * u + v * v - 1;
    return r * r * r < u * u * v * v * v;
  },
  star: (x, y) => {
    // Each fifth of the circle is a kite between the tip at radius 1 and the notch at radius 0.45.
    const turn = (((atan2(x, -y) / (2 * PI)) * 5 + 100.5) % 1) - 0.5;
    const angle = (abs(turn) * 2 * PI) / 5;
    const [u, v] = [cos(angle), sqrt(1 - cos(angle) ** 2)];
    const [notchX, notchY] = [0.45 * cos(PI / 5), 0.45 * sqrt(1 - cos(PI / 5) ** 2)];
    const edge = notchY / (notchY * u + (1 - notchX) * v); // along this ray, the distance to the line tip–notch
    return x * x + y * y < edge * edge;
  },
  cross: (x, y) => (abs(x) < 0.32 && abs(y) < 0.95) || (abs(y) < 0.32 && abs(x) < 0.95),
  ring: (x, y) => {
    const r = x * x + y * y;
    return r < 0.9 && r > 0.27;
  },
  drop: (x, y) =>
    (y > 0.2 - 0.6 * 0.6 && x * x + (y - 0.35) ** 2 < 0.36) || (y <= 0.1 && y > -1 && abs(x) < (y + 1) * 0.49),
  ell: (x, y) => (x > -0.55 && x < -0.05 && abs(y) < 0.85) || (y > 0.35 && y < 0.85 && x > -0.55 && x < 0.6),
} satisfies Record<string, Inside>;

export type Shape = keyof typeof inside;

export interface ShapePose {
  /** Centre, pixels. */
  readonly x: number;
  readonly y: number;
  /** Radius of the disc the shape fills, pixels. */
  readonly radius: number;
  /** Radians, clockwise on the screen. */
  readonly rotation: number;
}

/** Draw a shape, averaging 3 × 3 samples a pixel; `shade` is the second colour, taken on towards the lower right as if lit from the upper left. */
export function drawShape(canvas: Canvas, shape: Shape, pose: ShapePose, color: Color, shade: Color = color): void {
  const { x, y, radius, rotation } = pose;
  const contains: Inside = inside[shape];
  const [ux, uy] = [cos(rotation) / radius, Math.sin(rotation) / radius];
  const reach = (radius + 0.71) ** 2; // half a pixel's diagonal beyond the disc
  const [top, bottom] = [max(0, floor(y - radius)), min(canvas.height, ceil(y + radius))];
  const [left, right] = [max(0, floor(x - radius)), min(canvas.width, ceil(x + radius))];
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) {
      if ((column + 0.5 - x) ** 2 + (row + 0.5 - y) ** 2 > reach) continue;
      let hits = 0;
      for (let sample = 0; sample < 9; sample++) {
        const dx = column + ((sample % 3) + 0.5) / 3 - x;
        const dy = row + (floor(sample / 3) + 0.5) / 3 - y;
        if (contains(dx * ux + dy * uy, dy * ux - dx * uy)) hits++;
      }
      if (hits === 0) continue;
      const lit = 0.5 + (column + row + 1 - x - y) / (4 * radius);
      blend(canvas, row * canvas.width + column, mixColors(color, shade, lit), hits / 9);
    }
  }
}
