import type { Random } from "../../base/index.ts";
import { drawClouds, drawGradient } from "../drawing/background.ts";
import { type Color, colorOfLuminance, mixColors } from "../drawing/color.ts";
import { drawShape, type Shape } from "../drawing/shape.ts";
import { type Generator, imageSize } from "./generator.ts";

const fewest = 3;
const shapes: readonly Shape[] = ["circle", "square", "triangle", "ellipse", "cross"];

interface Disc {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
}

/**
 * How many objects: 3 to 10 of mixed shape, colour and size, after CLEVR-Count (Johnson et al. 2017; VTAB). Objects lie
 * wholly in the picture and no disc around one meets another's, so the count can always be seen.
 */
export const count: Generator = {
  title: "How many objects are there?",
  classes: Array.from({ length: 8 }, (_, k) => `${fewest + k}`),
  augment: { flip: true, shift: 0 },
  noise: 6,
  open: () => (canvas, label, stream) => {
    const middle = stream.uniform(80, 175);
    const ground: [Color, Color] = [
      colorOfLuminance(stream, middle - 35, middle),
      colorOfLuminance(stream, middle, middle + 35),
    ];
    (stream.next() < 0.5 ? drawGradient : drawClouds)(canvas, ground, stream);
    for (const disc of scatter(fewest + label, stream)) {
      const shadow = { ...disc, x: disc.x + 0.5, y: disc.y + 0.9, rotation: 0 };
      drawShape(canvas, "circle", shadow, mixColors(ground[0], [0, 0, 0], 0.25));
      // Objects differ from the ground by at least 50 grey levels, lighter or darker.
      const color =
        stream.next() < (middle - 60) / 140
          ? colorOfLuminance(stream, 5, middle - 50)
          : colorOfLuminance(stream, Math.min(240, middle + 65), 250);
      const pose = { ...disc, rotation: stream.uniform(0, 2 * Math.PI) };
      drawShape(canvas, shapes[stream.int(shapes.length)]!, pose, color, mixColors(color, [0, 0, 0], 0.25));
    }
  },
};

/** Disjoint discs of mixed radius at random places. Where they do not fit, all start again a little smaller. */
export function scatter(count: number, stream: Random): Disc[] {
  for (let scale = stream.uniform(0.75, 1.15); ; scale *= 0.93) {
    const discs: Disc[] = [];
    for (let tries = 0; discs.length < count && tries < 150; tries++) {
      const radius = scale * stream.uniform(2, 4.2);
      const x = stream.uniform(radius, imageSize - radius);
      const y = stream.uniform(radius, imageSize - radius);
      if (discs.every((other) => Math.hypot(other.x - x, other.y - y) > other.radius + radius)) {
        discs.push({ x, y, radius });
      }
    }
    if (discs.length === count) return discs;
  }
}
