import { nameSeed, random } from "../base/index.ts";
import {
  contrastingColors,
  createCanvas,
  createConcepts,
  drawBackground,
  drawSprite,
  toBytes,
} from "../tasks/index.ts";

export interface PretrainingDataOptions {
  /** Which stream of images; the concepts themselves depend on `conceptSeed` alone. */
  readonly seed: number;
  /** Iterated-function-system classes, default 400; labels 0 to fractalClasses − 1. */
  readonly fractalClasses?: number;
  /** VisualAtom classes, default 400; labels from fractalClasses on. */
  readonly atomClasses?: number;
  /** Default 1, the seed the `concept` task shares. */
  readonly conceptSeed?: number;
}

/** An endless stream of labelled images. */
export interface PretrainingData {
  readonly classes: number;
  /** Side of the images, pixels. */
  readonly size: number;
  /**
   * Draw image `index` of the stream: a pure function of (options, index), so a resumed run needs no state.
   * @param index  integer ≥ 0
   * @param out    receives the pixels, [3, 32, 32] bytes
   * @returns      the label, 0 to classes − 1
   */
  draw(index: number, out: Uint8Array): number;
}

const size = 32;

/**
 * Images of synthetic concepts on varied backgrounds: what the embedded backbone learns from. Each image shows one
 * sprite turned by ±0.8 rad, at 0.6 to 1.1 of the image's side, shifted, in two colours, on a solid, gradient, cloudy
 * or striped ground of another luminance. Creating takes a few seconds (the sprites), drawing about 0.1 ms an image.
 */
export function createPretrainingData(options: PretrainingDataOptions): PretrainingData {
  const { seed, fractalClasses = 400, atomClasses = 400, conceptSeed = 1 } = options;
  const concepts = createConcepts({ fractals: fractalClasses, atoms: atomClasses, seed: conceptSeed });
  const canvas = createCanvas(size, size);
  return {
    classes: concepts.length,
    size,
    draw(index, out) {
      const stream = random(seed, nameSeed("pretraining"), index);
      const label = stream.int(concepts.length);
      const { variants } = concepts[label]!;
      const { figure, ground } = contrastingColors(stream, 60);
      drawBackground(canvas, ground, stream);
      const side = size * stream.uniform(0.6, 1.1);
      const room = Math.max(2, (size - side) / 2);
      drawSprite(canvas, variants[stream.int(variants.length)]!, figure, {
        x: size / 2 + stream.uniform(-room, room),
        y: size / 2 + stream.uniform(-room, room),
        side,
        rotation: stream.uniform(-0.8, 0.8),
      });
      toBytes(canvas, out, stream, 8);
      return label;
    },
  };
}
