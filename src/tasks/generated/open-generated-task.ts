import { didYouMean, GraftError, nameSeed, random } from "../../base/index.ts";
import { createCanvas, toBytes } from "../drawing/canvas.ts";
import type { ClassifyGoal } from "../goal.ts";
import type { ImageSplit, ImageTask } from "../task.ts";
import { count } from "./count.ts";
import { family } from "./family.ts";
import { type Generator, imageSize } from "./generator.ts";
import { location } from "./location.ts";
import { oddOneOut } from "./odd-one-out.ts";
import { orientation } from "./orientation.ts";
import { texture } from "./texture.ts";

const generators: Readonly<Record<string, Generator>> = {
  count,
  location,
  orientation,
  texture,
  family,
  "odd-one-out": oddOneOut,
};

/** Names `openGeneratedTask` knows. */
export const taskNames: readonly string[] = Object.keys(generators);

/** Images of each split where none is asked for. */
export const DEFAULT_SIZES = { train: 4000, validation: 400, test: 2000 } as const;

export interface GeneratedTaskOptions {
  /** Default 0. */
  readonly seed?: number;
  /** Training images, default 4000. */
  readonly trainSize?: number;
  /** Validation images, default 400. */
  readonly validationSize?: number;
  /** Test images, default 2000. */
  readonly testSize?: number;
}

/** A task whose images are drawn on demand, so there is no end of them. */
export interface GeneratedTask extends ImageTask {
  readonly goal: ClassifyGoal;
  /** `count` images of a further split; splits of different names share no image. */
  split(name: string, count: number): ImageSplit;
}

/**
 * Open a generated task. Image k of a split is a pure function of (task, seed, split, k): a larger split begins with the
 * images of a smaller one. Classes are balanced: every run of `classes` images has one of each. Images are drawn when
 * first asked for and kept.
 * @throws GraftError UNKNOWN_TASK, BAD_SIZE
 */
export function openGeneratedTask(name: string, options: GeneratedTaskOptions = {}): GeneratedTask {
  const generator = Object.hasOwn(generators, name) ? generators[name] : undefined;
  if (generator === undefined) {
    throw new GraftError("UNKNOWN_TASK", {
      thing: `task "${name}"`,
      place: "no generated task has that name",
      remedy: `${didYouMean(name, taskNames)}Known: ${taskNames.join(", ")}`,
    });
  }
  const { seed = 0 } = options;
  const { trainSize = DEFAULT_SIZES.train, validationSize = DEFAULT_SIZES.validation } = options;
  const { testSize = DEFAULT_SIZES.test } = options;
  let draw: ReturnType<Generator["open"]> | undefined;
  const canvas = createCanvas(imageSize, imageSize);

  const split = (splitName: string, size: number): ImageSplit => {
    checkSize(name, splitName, size);
    const stream = [seed, nameSeed(name), nameSeed(splitName)];
    return lazySplit(
      balancedLabels(size, generator.classes.length, stream),
      3 * imageSize ** 2,
      (index, label, out) => {
        draw ??= generator.open();
        const own = random(...stream, index);
        draw(canvas, label, own);
        toBytes(canvas, out, own, generator.noise);
      },
    );
  };

  return {
    name,
    title: generator.title,
    goal: { kind: "classify", classes: generator.classes },
    image: { height: imageSize, width: imageSize },
    augment: generator.augment,
    notes: [],
    train: split("train", trainSize),
    validation: split("validation", validationSize),
    test: split("test", testSize),
    split,
  };
}

/** Blocks of all classes, each block in its own random order, so that a label does not depend on the split's size. */
function balancedLabels(size: number, classes: number, stream: readonly number[]): Int32Array {
  const labels = new Int32Array(size);
  for (let start = 0; start < size; start += classes) {
    // The −1 keeps these streams apart from those of the images.
    const block = random(...stream, -1, start / classes).permutation(classes);
    for (let k = start; k < Math.min(size, start + classes); k++) labels[k] = block[k - start]!;
  }
  return labels;
}

/** A split whose images are drawn when first asked for, into one buffer. */
function lazySplit(
  labels: Int32Array,
  bytes: number,
  draw: (index: number, label: number, out: Uint8Array) => void,
): ImageSplit {
  const count = labels.length;
  let store: Uint8Array | undefined;
  const drawn = new Uint8Array(count);
  return {
    kind: "image",
    count,
    targets: { kind: "classes", labels },
    pixels(index) {
      if (!(index >= 0 && index < count)) {
        throw new RangeError(`image ${index} of a split of ${count}`); // a bug of ours, not of the user
      }
      store ??= new Uint8Array(count * bytes);
      const out = store.subarray(index * bytes, (index + 1) * bytes);
      if (drawn[index] === 0) {
        draw(index, labels[index]!, out);
        drawn[index] = 1;
      }
      return out;
    },
  };
}

function checkSize(task: string, split: string, size: number): void {
  if (Number.isSafeInteger(size) && size >= 1 && size <= 1_000_000) return;
  throw new GraftError("BAD_SIZE", {
    thing: `${split} size ${size}`,
    place: `task "${task}"`,
    remedy: "Give a whole number from 1 to 1,000,000",
  });
}
