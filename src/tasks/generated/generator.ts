import type { Random } from "../../base/index.ts";
import type { Canvas } from "../drawing/canvas.ts";
import type { Augmentation } from "../task.ts";

/** Side of every generated image, pixels. */
export const imageSize = 32;

/** How the images of one task are made. */
export interface Generator {
  readonly title: string;
  readonly classes: readonly string[];
  readonly augment: Augmentation;
  /** Largest noise added to a value of the finished image, of 255. */
  readonly noise: number;
  /** Prepare what all images share; `draw` then fills a canvas with an image of the class, all its chance from `stream`. */
  open(): (canvas: Canvas, label: number, stream: Random) => void;
}
