import { nameSeed, type Random, random } from "../../base/index.ts";
import type { Sprite } from "../drawing/sprite.ts";
import { drawFractal, jitterFractal, randomFractal } from "./fractal.ts";
import { drawVisualAtom, jitterVisualAtom, randomVisualAtom } from "./visual-atom.ts";

/** A class of shapes: sprites that are variations of one thing. */
export interface Concept {
  readonly kind: "fractal" | "atom";
  readonly variants: readonly Sprite[];
}

export interface ConceptOptions {
  readonly fractals: number;
  readonly atoms: number;
  /** Default 1, the seed of the concepts the embedded backbone knows. */
  readonly seed?: number;
  /** Sprites per concept, default 8. */
  readonly variants?: number;
}

/** Side of a concept's sprites, pixels. */
export const spriteSize = 48;

/**
 * The first `fractals` + `atoms` concepts of a seed, fractals first. Concept k of a kind is the same whatever the counts
 * are. A candidate that is nearly empty, nearly full, or like an earlier concept of its kind (at any of five rotations
 * within the range pre-training turns them by) is passed over.
 *
 * The embedded backbone was trained on these sprites: whoever changes how they are made must pre-train it again.
 */
export function createConcepts({ fractals, atoms, seed = 1, variants = 8 }: ConceptOptions): Concept[] {
  const streamOf = (kind: string) => (k: number) => random(seed, nameSeed(kind), k);
  return [
    ...distinct(fractals, streamOf("fractal"), (stream) => proposeFractal(stream, variants)).map(
      (sprites): Concept => ({ kind: "fractal", variants: sprites }),
    ),
    ...distinct(atoms, streamOf("atom"), (stream) => proposeAtom(stream, variants)).map(
      (sprites): Concept => ({ kind: "atom", variants: sprites }),
    ),
  ];
}

/** A candidate class: its first sprite, and the work of drawing all of them, which fails where too few are usable. */
interface Proposal {
  readonly first: Sprite;
  all(): Sprite[] | undefined;
}

const signatureSide = 12;
const turns = [-0.8, -0.4, 0, 0.4, 0.8];
const tooAlike = 0.92;

function distinct(
  count: number,
  streamOf: (candidate: number) => Random,
  propose: (stream: Random) => Proposal | undefined,
): Sprite[][] {
  const kept: Sprite[][] = [];
  const signatures: Float32Array[] = [];
  for (let candidate = 0; kept.length < count; candidate++) {
    const proposal = propose(streamOf(candidate));
    if (proposal === undefined) continue;
    const turned = turns.map((turn) => signature(proposal.first, turn));
    if (signatures.some((other) => turned.some((one) => dot(one, other) > tooAlike))) continue;
    const sprites = proposal.all();
    if (sprites === undefined) continue;
    kept.push(sprites);
    signatures.push(signature(proposal.first, 0));
  }
  return kept;
}

function proposeFractal(stream: Random, count: number): Proposal | undefined {
  const fractal = randomFractal(stream);
  const usable = (sprite: Sprite | undefined): sprite is Sprite =>
    sprite !== undefined && coverage(sprite) > 0.12 && coverage(sprite) < 0.55;
  const first = drawFractal(fractal, stream, spriteSize);
  if (!usable(first)) return undefined;
  const all = () => {
    const sprites = [first];
    for (let tries = 0; sprites.length < count && tries < 4 * count; tries++) {
      const sprite = drawFractal(jitterFractal(fractal, stream, 0.06), stream, spriteSize);
      if (usable(sprite)) sprites.push(sprite);
    }
    return sprites.length === count ? sprites : undefined;
  };
  return { first, all };
}

function proposeAtom(stream: Random, count: number): Proposal | undefined {
  const atom = randomVisualAtom(stream);
  const first = drawVisualAtom(atom, spriteSize);
  if (coverage(first) < 0.1) return undefined;
  const all = () => [
    first,
    ...Array.from({ length: count - 1 }, () => drawVisualAtom(jitterVisualAtom(atom, stream, 0.1), spriteSize)),
  ];
  return { first, all };
}

/** Mean opacity, 0..1. */
function coverage({ alpha }: Sprite): number {
  return alpha.reduce((sum, value) => sum + value, 0) / (255 * alpha.length);
}

/** Opacity and tone of the turned sprite on a coarse grid, centred and of unit length: dot products are correlations. */
function signature({ size, alpha, tone }: Sprite, turn: number): Float32Array {
  const cells = signatureSide ** 2;
  const grid = new Float32Array(2 * cells);
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  const center = (size - 1) / 2;
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const [x, y] = [column - center, row - center];
      const u = Math.floor(((cos * x - sin * y + size / 2) * signatureSide) / size);
      const v = Math.floor(((sin * x + cos * y + size / 2) * signatureSide) / size);
      if (u < 0 || v < 0 || u >= signatureSide || v >= signatureSide) continue;
      grid[v * signatureSide + u]! += alpha[row * size + column]!;
      grid[cells + v * signatureSide + u]! += tone[row * size + column]!;
    }
  }
  const mean = grid.reduce((sum, value) => sum + value, 0) / grid.length;
  const norm = Math.sqrt(grid.reduce((sum, value) => sum + (value - mean) ** 2, 0)) || 1;
  return grid.map((value) => (value - mean) / norm);
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += a[k]! * b[k]!;
  return sum;
}
