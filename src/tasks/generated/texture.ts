import type { Random } from "../../base/index.ts";
import { contrastingColors, mixColors } from "../drawing/color.ts";
import { type Generator, imageSize } from "./generator.ts";

/** Share of the second colour, 0..1, at a point given in periods of the texture; edges are soft, so a sample a pixel does. */
type Pattern = (u: number, v: number) => number;

interface Nearest {
  readonly first: number;
  readonly second: number;
}

const { floor, abs, sin, sqrt, min, PI } = Math;
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
    return (u, v) => soft((radius - sqrt((fraction(u) - 0.5) ** 2 + (fraction(v) - 0.5) ** 2)) * 6);
  },
  spots: (stream) => {
    const nearest = scatteredPoints(stream, 0.55);
    const size = stream.uniform(0.25, 0.42);
    return (u, v) => soft((size - nearest(u, v).first) * 6);
  },
  cells: (stream) => {
    const nearest = scatteredPoints(stream, 0.9);
    return (u, v) => {
      const { first, second } = nearest(u, v);
      return soft((0.16 - (second - first)) * 6);
    };
  },
  rings: (stream) => {
    const [x, y] = [stream.uniform(-2, 2), stream.uniform(-2, 2)];
    return (u, v) => soft(1.5 * sin(2 * PI * sqrt((u - x) ** 2 + (v - y) ** 2)));
  },
  zigzag: (stream) => {
    const height = stream.uniform(0.5, 0.9);
    return (u, v) => soft(1.5 * sin(2 * PI * (v + height * abs(fraction(u) - 0.5) * 2)));
  },
  bricks: () => (u, v) => {
    const row = floor(1.6 * v);
    const across = abs(fraction(u + (row % 2) / 2) - 0.5);
    return soft(Math.max((0.1 - (0.5 - across)) * 8, (0.16 - (0.5 - abs(fraction(1.6 * v) - 0.5))) * 5));
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
    // Rings have a centre of their own, near the picture's.
    const centered = texture.classes[label] === "rings";
    const [u0, v0] = centered ? [0, 0] : [stream.uniform(-8, 8), stream.uniform(-8, 8)];
    const plane = imageSize * imageSize;
    for (let k = 0; k < plane; k++) {
      const x = (k % imageSize) + 0.5 - imageSize / 2;
      const y = floor(k / imageSize) + 0.5 - imageSize / 2;
      const share = pattern(u0 + x * ux - y * uy, v0 + x * uy + y * ux);
      const color = mixColors(colors[0], colors[1], share);
      for (let c = 0; c < 3; c++) canvas.data[c * plane + k] = color[c]!;
    }
  },
};

/** A number in 0..1 for each point of a lattice that repeats every 16, which is more than a picture spans; row-major. */
function latticeOf(stream: Random): Float32Array {
  return Float32Array.from({ length: 256 }, () => stream.next());
}

const latticeIndex = (column: number, row: number): number => ((row & 15) << 4) | (column & 15);

/**
 * Distances from a point to the nearest and second nearest of the points that lie one in each lattice cell, up to
 * `amount` / 2 from the cell's middle.
 */
function scatteredPoints(stream: Random, amount: number): (u: number, v: number) => Nearest {
  const x = latticeOf(stream).map((value) => 0.5 + amount * (value - 0.5));
  const y = latticeOf(stream).map((value) => 0.5 + amount * (value - 0.5));
  return (u, v) => {
    const left = floor(u) - 1;
    const top = floor(v) - 1;
    let first = 9; // squared, and farther than any
    let second = 9;
    for (let row = top; row < top + 3; row++) {
      for (let column = left; column < left + 3; column++) {
        const at = latticeIndex(column, row);
        const dx = column + x[at]! - u;
        const dy = row + y[at]! - v;
        const distance = dx * dx + dy * dy;
        if (distance < first) {
          second = first;
          first = distance;
        } else if (distance < second) second = distance;
      }
    }
    return { first: sqrt(first), second: sqrt(second) };
  };
}

/** The lattice's numbers interpolated between its points, without kinks. */
function smooth(lattice: Float32Array, u: number, v: number): number {
  const column = floor(u);
  const row = floor(v);
  const fu = u - column;
  const fv = v - row;
  const su = fu * fu * (3 - 2 * fu);
  const [a, b] = [lattice[latticeIndex(column, row)]!, lattice[latticeIndex(column + 1, row)]!];
  const [c, d] = [lattice[latticeIndex(column, row + 1)]!, lattice[latticeIndex(column + 1, row + 1)]!];
  const top = a + (b - a) * su;
  return top + (c + (d - c) * su - top) * fv * fv * (3 - 2 * fv);
}
