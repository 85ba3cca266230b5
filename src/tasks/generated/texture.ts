import type { Random } from "../../base/index.ts";
import { contrastingColors, mixColors } from "../drawing/color.ts";
import { type Generator, imageSize } from "./generator.ts";

/** Share of the second colour, 0..1, at a point given in periods of the texture. */
type Pattern = (u: number, v: number) => number;

const { floor, abs, sin, hypot, min, PI } = Math;
const fraction = (value: number) => value - floor(value);
const soft = (value: number) => min(1, Math.max(0, 0.5 + value)); // a step smoothed over one unit

/** Each makes one texture of its class; the caller adds rotation, period and colours. */
const patterns: Record<string, (stream: Random) => Pattern> = {
  stripes: (stream) => {
    const width = stream.uniform(0.3, 0.7);
    return (u) => soft((width / 2 - abs(fraction(u) - 0.5)) * 5);
  },
  checks: () => (u, v) => soft(3 * sin(PI * u) * sin(PI * v)),
  grid: (stream) => {
    const width = stream.uniform(0.12, 0.22);
    return (u, v) => soft((width - min(abs(fraction(u) - 0.5), abs(fraction(v) - 0.5))) * 6);
  },
  dots: (stream) => {
    const radius = stream.uniform(0.25, 0.4);
    return (u, v) => soft((radius - hypot(fraction(u) - 0.5, fraction(v) - 0.5)) * 6);
  },
  spots: (stream) => {
    const center = jitteredCenters(stream, 0.55);
    const size = stream.uniform(0.25, 0.42);
    return (u, v) => soft((size - nearestTwo(center, u, v)[0]) * 6);
  },
  cells: (stream) => {
    const center = jitteredCenters(stream, 0.9);
    return (u, v) => {
      const [first, second] = nearestTwo(center, u, v);
      return soft((0.16 - (second - first)) * 6);
    };
  },
  rings: (stream) => {
    const [x, y] = [stream.uniform(-2, 2), stream.uniform(-2, 2)];
    return (u, v) => soft(1.5 * sin(2 * PI * hypot(u - x, v - y)));
  },
  zigzag: (stream) => {
    const height = stream.uniform(0.5, 0.9);
    return (u, v) => soft(1.5 * sin(2 * PI * (v + height * abs(fraction(u) - 0.5) * 2)));
  },
  bricks: () => (u, v) => {
    const row = floor(2 * v);
    const across = abs(fraction(u + (row % 2) / 2) - 0.5);
    return soft(Math.max((0.1 - (0.5 - across)) * 8, (0.2 - (0.5 - abs(fraction(2 * v) - 0.5))) * 4));
  },
  clouds: (stream) => {
    const value = latticeOf(stream);
    return (u, v) => soft(3 * (smooth(value, u, v) * 0.65 + smooth(value, 2.1 * u + 7, 2.1 * v + 3) * 0.35 - 0.5));
  },
};

/** Which of ten procedural textures, at any orientation, period 4 to 9 pixels and in any two colours. */
export const texture: Generator = {
  title: "Which texture is it?",
  classes: Object.keys(patterns),
  augment: { flip: true, shift: 3 },
  noise: 24,
  open: () => (canvas, label, stream) => {
    const { figure, ground } = contrastingColors(stream, 30);
    const strength = stream.uniform(0.35, 1);
    const colors = [ground[0], mixColors(ground[0], figure[0], strength)] as const;
    const pattern = patterns[texture.classes[label]!]!(stream);
    const angle = stream.uniform(0, 2 * PI);
    const period = stream.uniform(4, 9);
    const [ux, uy] = [Math.cos(angle) / period, sin(angle) / period];
    const [u0, v0] = [stream.uniform(-8, 8), stream.uniform(-8, 8)];
    // Rings have a centre of their own near the picture's.
    const [startU, startV] = label === texture.classes.indexOf("rings") ? [0, 0] : [u0, v0];
    const plane = imageSize * imageSize;
    for (let k = 0; k < plane; k++) {
      const share = averageOver(pattern, (k % imageSize) - imageSize / 2, floor(k / imageSize) - imageSize / 2, {
        ux,
        uy,
        startU,
        startV,
      });
      const color = mixColors(colors[0], colors[1], share);
      for (let c = 0; c < 3; c++) canvas.data[c * plane + k] = color[c]!;
    }
  },
};

/** Mean of 2 × 2 samples in the pixel at (x, y). */
function averageOver(
  pattern: Pattern,
  x: number,
  y: number,
  { ux, uy, startU, startV }: { ux: number; uy: number; startU: number; startV: number },
): number {
  let sum = 0;
  for (let sample = 0; sample < 4; sample++) {
    const px = x + 0.25 + 0.5 * (sample & 1);
    const py = y + 0.25 + 0.5 * (sample >> 1);
    sum += pattern(startU + px * ux - py * uy, startV + px * uy + py * ux);
  }
  return sum / 4;
}

/** A number in 0..1 for each point of the integer lattice: a hash of the point. */
function latticeOf(stream: Random): (column: number, row: number) => number {
  const offset = stream.int(2 ** 31);
  return (column, row) => {
    let h = Math.imul(column + offset, 0x27d4eb2d) ^ Math.imul(row + 0x165667b1, 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
    return ((h ^ (h >>> 13)) >>> 0) / 2 ** 32;
  };
}

/** A point in each lattice cell, up to `amount` / 2 from the cell's middle. */
function jitteredCenters(stream: Random, amount: number): (column: number, row: number) => [number, number] {
  const [x, y] = [latticeOf(stream), latticeOf(stream)];
  return (column, row) => [column + 0.5 + amount * (x(column, row) - 0.5), row + 0.5 + amount * (y(column, row) - 0.5)];
}

/** Distances to the nearest and second nearest centre. */
function nearestTwo(center: (column: number, row: number) => [number, number], u: number, v: number): [number, number] {
  let [first, second] = [9, 9];
  for (let row = floor(v) - 1; row <= floor(v) + 1; row++) {
    for (let column = floor(u) - 1; column <= floor(u) + 1; column++) {
      const [x, y] = center(column, row);
      const distance = Math.sqrt((x - u) ** 2 + (y - v) ** 2);
      if (distance < first) [first, second] = [distance, first];
      else if (distance < second) second = distance;
    }
  }
  return [first, second];
}

function smooth(value: (column: number, row: number) => number, u: number, v: number): number {
  const [column, row] = [floor(u), floor(v)];
  const [fu, fv] = [u - column, v - row];
  const [su, sv] = [fu * fu * (3 - 2 * fu), fv * fv * (3 - 2 * fv)];
  const top = value(column, row) * (1 - su) + value(column + 1, row) * su;
  const bottom = value(column, row + 1) * (1 - su) + value(column + 1, row + 1) * su;
  return top * (1 - sv) + bottom * sv;
}
