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
 */
export function createConcepts({ fractals, atoms, seed = 1, variants = 8 }: ConceptOptions): Concept[] {
  return [
    ...distinct(fractals, (k) => fractalVariants(random(seed, nameSeed("fractal"), k), variants)).map(
      (sprites): Concept => ({ kind: "fractal", variants: sprites }),
    ),
    ...distinct(atoms, (k) => atomVariants(random(seed, nameSeed("atom"), k), variants)).map(
      (sprites): Concept => ({ kind: "atom", variants: sprites }),
    ),
  ];
}

const signatureSide = 12;
const turns = [-0.8, -0.4, 0, 0.4, 0.8];
const tooAlike = 0.92;

function distinct(count: number, propose: (candidate: number) => Sprite[] | undefined): Sprite[][] {
  const kept: Sprite[][] = [];
  const signatures: Float32Array[] = [];
  for (let candidate = 0; kept.length < count; candidate++) {
    const sprites = propose(candidate);
    if (sprites === undefined) continue;
    const turned = turns.map((turn) => signature(sprites[0]!, turn));
    if (signatures.some((other) => turned.some((one) => dot(one, other) > tooAlike))) continue;
    kept.push(sprites);
    signatures.push(signature(sprites[0]!, 0));
  }
  return kept;
}

function fractalVariants(random: Random, count: number): Sprite[] | undefined {
  const fractal = randomFractal(random);
  const sprites: Sprite[] = [];
  for (let tries = 0; sprites.length < count; tries++) {
    const sprite = drawFractal(sprites.length === 0 ? fractal : jitterFractal(fractal, random, 0.06), random, spriteSize);
    const share = sprite === undefined ? 0 : coverage(sprite);
    if (sprite !== undefined && share > 0.12 && share < 0.55) sprites.push(sprite);
    else if (sprites.length === 0 || tries > 4 * count) return undefined; // the fractal itself, or most of its kin, fails
  }
  return sprites;
}

function atomVariants(random: Random, count: number): Sprite[] | undefined {
  const atom = randomVisualAtom(random);
  const sprites = Array.from({ length: count }, (_, k) =>
    drawVisualAtom(k === 0 ? atom : jitterVisualAtom(atom, random, 0.1), spriteSize),
  );
  return sprites.every((sprite) => coverage(sprite) > 0.1) ? sprites : undefined;
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
      const cell = (along: number) => Math.floor(((along + size / 2) * signatureSide) / size);
      const [u, v] = [cell(cos * x - sin * y), cell(sin * x + cos * y)];
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
