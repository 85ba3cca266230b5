import type { Random } from "../../base/index.ts";
import { type Sprite, spriteFrom } from "../drawing/sprite.ts";

/** A closed contour bent by two waves, filled with rings or drawn as rings. */
export interface VisualAtom {
  /** Lobes around the contour, and how far they reach as a share of the radius. */
  readonly waves: readonly { readonly count: number; readonly amplitude: number; readonly phase: number }[];
  /** Short axis over long axis. */
  readonly ratio: number;
  /** Angle of the long axis, radians. */
  readonly tilt: number;
  /** Bands between the hole and the contour. */
  readonly rings: number;
  /** Radius of the hole, as a share of the contour's. */
  readonly hole: number;
  /** Solid bands in two tones, or rings with gaps between them. */
  readonly style: "solid" | "rings";
  /** How far the inner rings are turned against the contour, radians. */
  readonly twist: number;
}

/**
 * A class of shapes after the contours of VisualAtom: two sine waves on an ellipse, repeated towards the centre.
 * @see Takashima et al. 2023, "Visual atoms: pre-training vision transformers with sinusoidal waves"
 */
export function randomVisualAtom(random: Random): VisualAtom {
  const first = 2 + random.int(6);
  const second = first + 1 + random.int(6);
  return {
    waves: [
      { count: first, amplitude: random.uniform(0.08, 0.34), phase: random.uniform(0, 2 * Math.PI) },
      { count: second, amplitude: random.uniform(0, 0.2), phase: random.uniform(0, 2 * Math.PI) },
    ],
    ratio: random.uniform(0.55, 1),
    tilt: random.uniform(0, Math.PI),
    rings: 1 + random.int(3),
    hole: random.next() < 0.5 ? 0 : random.uniform(0.2, 0.6),
    style: random.next() < 0.6 ? "solid" : "rings",
    twist: random.next() < 0.5 ? 0 : random.uniform(-1, 1),
  };
}

/** The same shape with its amplitudes and proportions changed by up to ±`amount` of themselves. */
export function jitterVisualAtom(atom: VisualAtom, random: Random, amount: number): VisualAtom {
  const jitter = (value: number) => value * random.uniform(1 - amount, 1 + amount);
  return {
    ...atom,
    waves: atom.waves.map(({ count, amplitude, phase }) => ({
      count,
      amplitude: jitter(amplitude),
      phase: phase + random.uniform(-2 * amount, 2 * amount),
    })),
    ratio: Math.min(1, jitter(atom.ratio)),
    hole: jitter(atom.hole),
    twist: jitter(atom.twist),
  };
}

/** Draw the shape, averaging 2 × 2 samples a pixel. */
export function drawVisualAtom(atom: VisualAtom, size: number): Sprite {
  const reach = atom.waves.reduce((sum, { amplitude }) => sum + amplitude, 1);
  const radius = (size / 2 - 1) / reach;
  const [cos, sin] = [Math.cos(atom.tilt), Math.sin(atom.tilt)];
  return spriteFrom(size, (k) => {
    let [inside, second] = [0, 0];
    for (let sample = 0; sample < 4; sample++) {
      const x = ((k % size) + 0.25 + 0.5 * (sample & 1) - size / 2) / radius;
      const y = (Math.floor(k / size) + 0.25 + 0.5 * (sample >> 1) - size / 2) / radius;
      const band = bandAt(atom, cos * x + sin * y, (cos * y - sin * x) / atom.ratio);
      if (band < 0) continue;
      inside++;
      second += band & 1;
    }
    return { alpha: inside / 4, tone: inside === 0 ? 0 : second / inside };
  });
}

/** Number of the band a point lies in, from the hole outwards, or −1 where nothing is drawn. */
function bandAt(atom: VisualAtom, x: number, y: number): number {
  const distance = Math.sqrt(x * x + y * y);
  if (distance > 1.6 || distance < 0.4 * atom.hole) return -1; // no contour reaches there
  const angle = Math.atan2(y, x) + atom.twist * (1 - distance);
  let contour = 1;
  for (let k = 0; k < atom.waves.length; k++) {
    const wave = atom.waves[k]!;
    contour += wave.amplitude * Math.sin(wave.count * angle + wave.phase);
  }
  const depth = (distance / contour - atom.hole) / (1 - atom.hole);
  if (depth < 0 || depth >= 1) return -1;
  const position = depth * atom.rings;
  if (atom.style === "rings" && position % 1 < 0.45) return -1;
  return Math.floor(position);
}
