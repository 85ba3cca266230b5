import type { Random } from "../../base/index.ts";
import { type Sprite, spriteFrom } from "../drawing/sprite.ts";

/** One map of an iterated function system: (x, y) → (a x + b y + e, c x + d y + f), taken with probability `weight`. */
interface AffineMap {
  readonly matrix: readonly [a: number, b: number, c: number, d: number];
  readonly offset: readonly [e: number, f: number];
  readonly weight: number;
}

export type Fractal = readonly AffineMap[];

const points = 5000;

/**
 * An iterated function system of 2 to 4 maps, each a rotation, a scaling by two factors below 1 and a rotation, so that
 * its attractor exists and is not a dot. What it looks like is for the caller to judge.
 * @see Kataoka et al. 2020, "Pre-training without natural images" (fractal classes)
 */
export function randomFractal(random: Random): Fractal {
  const count = 2 + random.int(3);
  return Array.from({ length: count }, () => {
    const [p, q] = [random.uniform(0, 2 * Math.PI), random.uniform(0, 2 * Math.PI)];
    const s = random.uniform(0.35, 0.85);
    const t = random.uniform(0.15, s) * (random.next() < 0.5 ? -1 : 1);
    const [cp, sp, cq, sq] = [Math.cos(p), Math.sin(p), Math.cos(q), Math.sin(q)];
    return {
      matrix: [
        s * cp * cq - t * sp * sq,
        -s * cp * sq - t * sp * cq,
        s * sp * cq + t * cp * sq,
        t * cp * cq - s * sp * sq,
      ],
      offset: [random.uniform(-1, 1), random.uniform(-1, 1)],
      weight: Math.max(0.04, Math.abs(s * t)),
    };
  });
}

/** The same system with every coefficient changed by up to ±`amount` of itself: another member of the class. */
export function jitterFractal(fractal: Fractal, random: Random, amount: number): Fractal {
  const jitter = (value: number) => value * random.uniform(1 - amount, 1 + amount);
  return fractal.map(({ matrix: [a, b, c, d], offset: [e, f], weight }) => ({
    matrix: [jitter(a), jitter(b), jitter(c), jitter(d)],
    offset: [jitter(e), jitter(f)],
    weight,
  }));
}

/** Draw the attractor by the chaos game, centred and filling the sprite; undefined where it escapes or is thin as a line. */
export function drawFractal(fractal: Fractal, random: Random, size: number): Sprite | undefined {
  const cloud = attractor(fractal, random);
  const frame = cloud && frameOf(cloud);
  if (!cloud || !frame) return undefined;
  const density = new Float32Array(size * size);
  const scale = (size / 2 - 2.5) / frame.radius;
  for (let k = 0; k < points; k++) {
    splat(
      density,
      size,
      (cloud[2 * k]! - frame.x) * scale + size / 2,
      (cloud[2 * k + 1]! - frame.y) * scale + size / 2,
    );
  }
  let covered = 0;
  for (const value of density) if (value > 0.3) covered++;
  const typical = points / covered;
  return spriteFrom(size, (k) => ({
    alpha: (3 * density[k]!) / typical,
    tone: Math.log1p((2 * density[k]!) / typical) / 2,
  }));
}

function attractor(fractal: Fractal, random: Random): Float32Array | undefined {
  const total = fractal.reduce((sum, map) => sum + map.weight, 0);
  const cloud = new Float32Array(2 * points);
  let [x, y] = [0, 0];
  for (let k = -20; k < points; k++) {
    let pick = random.next() * total;
    let which = 0;
    while (which < fractal.length - 1 && pick >= fractal[which]!.weight) pick -= fractal[which++]!.weight;
    const { matrix, offset } = fractal[which]!;
    const [a, b, c, d] = matrix;
    [x, y] = [a * x + b * y + offset[0], c * x + d * y + offset[1]];
    if (k < 0) continue;
    cloud[2 * k] = x;
    cloud[2 * k + 1] = y;
  }
  return Math.abs(x) + Math.abs(y) < 100 ? cloud : undefined;
}

/** Centre, and the radius that holds 97 % of the points; undefined where the cloud's axes differ by more than 4 : 1. */
function frameOf(cloud: Float32Array): { x: number; y: number; radius: number } | undefined {
  const count = cloud.length / 2;
  let [x, y, xx, xy, yy] = [0, 0, 0, 0, 0];
  for (let k = 0; k < count; k++) {
    x += cloud[2 * k]! / count;
    y += cloud[2 * k + 1]! / count;
  }
  const radii = new Float32Array(count / 4); // every fourth point tells enough
  for (let k = 0; k < count; k++) {
    const [dx, dy] = [cloud[2 * k]! - x, cloud[2 * k + 1]! - y];
    xx += dx * dx;
    xy += dx * dy;
    yy += dy * dy;
    if (k % 4 === 0) radii[k / 4] = Math.sqrt(dx * dx + dy * dy);
  }
  const half = (xx + yy) / 2;
  const spread = Math.sqrt(((xx - yy) / 2) ** 2 + xy * xy);
  if (!(half - spread > (half + spread) / 16)) return undefined; // variances: the square of the axes' ratio
  radii.sort();
  return { x, y, radius: radii[Math.floor(0.97 * radii.length)]! };
}

/** Add one point, shared among the four pixels around it. */
function splat(density: Float32Array, size: number, x: number, y: number): void {
  const [u, v] = [x - 0.5, y - 0.5];
  const [column, row] = [Math.floor(u), Math.floor(v)];
  if (column < 0 || row < 0 || column >= size - 1 || row >= size - 1) return;
  const [fu, fv] = [u - column, v - row];
  const at = row * size + column;
  density[at]! += (1 - fu) * (1 - fv);
  density[at + 1]! += fu * (1 - fv);
  density[at + size]! += (1 - fu) * fv;
  density[at + size + 1]! += fu * fv;
}
