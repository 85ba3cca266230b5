import { nameSeed, type Random, random } from "../base/index.ts";
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
  /** Most objects in an image, default 1. With more, half of the images show 2 to `maxObjects` small ones. */
  readonly maxObjects?: number;
  /** Default 1, the seed the `family` task shares. */
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
   * @returns      the label of each object, 0 to classes − 1
   */
  draw(index: number, out: Uint8Array): number[];
}

const size = 32;

/** Where a sprite goes, pixels. */
interface Place {
  readonly x: number;
  readonly y: number;
  readonly side: number;
}

/**
 * Images of synthetic concepts on varied backgrounds: what the embedded backbone learns from. An image shows one
 * sprite at 0.6 to 1.1 of its side, or several at 0.3 to 0.55, turned by ±0.8 rad, shifted, in two colours, on a solid,
 * gradient, cloudy or striped ground of another luminance. Creating takes some seconds (the sprites), drawing about
 * 0.1 ms an image.
 */
export function createPretrainingData(options: PretrainingDataOptions): PretrainingData {
  const { seed, fractalClasses = 400, atomClasses = 400, maxObjects = 1, conceptSeed = 1 } = options;
  const concepts = createConcepts({ fractals: fractalClasses, atoms: atomClasses, seed: conceptSeed });
  const canvas = createCanvas(size, size);
  const streamName = nameSeed(maxObjects === 1 ? "pretraining" : "scenes");
  return {
    classes: concepts.length,
    size,
    draw(index, out) {
      const stream = random(seed, streamName, index);
      const objects = maxObjects > 1 && stream.next() < 0.5 ? 2 + stream.int(maxObjects - 1) : 1;
      const labels = Array.from({ length: objects }, () => stream.int(concepts.length));
      const { figure, ground } = contrastingColors(stream, 60);
      drawBackground(canvas, ground, stream);
      const places = objects === 1 ? [] : scatter(objects, stream);
      labels.forEach((label, k) => {
        const side = places[k]?.side ?? size * stream.uniform(0.6, 1.1);
        const { variants } = concepts[label]!;
        const sprite = variants[stream.int(variants.length)]!;
        const room = Math.max(2, (size - side) / 2);
        const { x, y } = places[k] ?? {
          x: size / 2 + stream.uniform(-room, room),
          y: size / 2 + stream.uniform(-room, room),
        };
        drawSprite(canvas, sprite, figure, { x, y, side, rotation: stream.uniform(-0.8, 0.8) });
      });
      toBytes(canvas, out, stream, 8);
      return labels;
    },
  };
}

/** Places within the image whose sprites overlap by a little at most. Where they do not fit, all start again smaller. */
function scatter(count: number, stream: Random): Place[] {
  for (let scale = size; ; scale *= 0.95) {
    const places: Place[] = [];
    for (let tries = 0; places.length < count && tries < 60; tries++) {
      const side = scale * stream.uniform(0.3, 0.55);
      const x = stream.uniform(side / 2, size - side / 2);
      const y = stream.uniform(side / 2, size - side / 2);
      if (places.every((other) => Math.hypot(other.x - x, other.y - y) > 0.45 * (other.side + side)))
        places.push({ x, y, side });
    }
    if (places.length === count) return places;
  }
}
