import type { Encoding } from "../text/index.ts";
import type { Goal } from "./goal.ts";

/** What an example is to be answered with. */
export type Targets =
  /** Class of each example, [count], 0 to classes − 1. */
  | { readonly kind: "classes"; readonly labels: Int32Array }
  /** Numbers of each example, [count, width]: 0 or 1 a class, numbers to regress, or one score. */
  | { readonly kind: "numbers"; readonly width: number; readonly values: Float32Array }
  /** Class of each token of an example's encoding; −100 where none counts. */
  | { readonly kind: "tags"; tags(index: number): Int32Array }
  | { readonly kind: "none" };

interface Examples {
  readonly count: number;
  readonly targets: Targets;
}

/** Pictures, addressed by index. */
export interface ImageSplit extends Examples {
  readonly kind: "image";
  /** Pixels of one image, bytes [3, height, width]; a view that must not be written to. */
  pixels(index: number): Uint8Array;
}

/** Texts as the model's tokenizer encoded them. */
export interface TextSplit extends Examples {
  readonly kind: "text";
  /** Inputs of one example, `views` of them: one, or the two or three texts whose embeddings are compared. */
  encodings(index: number): readonly Encoding[];
  readonly views: number;
  /** Whether an encoding holds two texts. */
  readonly isPair: boolean;
  /** Tokens of an example's longest encoding. */
  length(index: number): number;
  /** What fills a batch's shorter rows. */
  readonly padding: { readonly padId: number; readonly padTypeId: number; readonly paddingSide: "right" | "left" };
}

export type Split = ImageSplit | TextSplit;

/** Changes to an image that keep its label. */
export interface Augmentation {
  /** Whether a mirrored image keeps its label. */
  readonly flip: boolean;
  /** Largest shift in pixels, horizontally and vertically, that keeps the label; 0 for none. */
  readonly shift: number;
}

/** Examples and what is to be told about them, in three disjoint splits. */
export interface Task {
  readonly name: string;
  /** What there is to tell, for people. */
  readonly title: string;
  readonly goal: Goal;
  readonly train: Split;
  readonly validation: Split;
  readonly test: Split;
  /** What a reader of results should know about how the splits came about; often empty. */
  readonly notes: readonly string[];
  /** Changes that training makes to pictures; default none. */
  readonly augment?: Augmentation;
}

/** A task of pictures, all of one size. */
export interface ImageTask extends Task {
  readonly image: { readonly height: number; readonly width: number };
  readonly augment: Augmentation;
  readonly train: ImageSplit;
  readonly validation: ImageSplit;
  readonly test: ImageSplit;
}

/** Class of each example of a split, [count]. Throws where a split has targets of another kind, a mistake of ours. */
export function labelsOf({ targets }: Split): Int32Array {
  if (targets.kind !== "classes") throw new TypeError(`the split's targets are ${targets.kind}, not classes`);
  return targets.labels;
}
