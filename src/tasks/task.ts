/** Labelled images, addressed by index. */
export interface Split {
  readonly count: number;
  /** Class of each image, [count], 0 to classes − 1. */
  readonly labels: Int32Array;
  /** Pixels of one image, bytes [3, height, width]; a view that must not be written to. */
  pixels(index: number): Uint8Array;
}

/** Changes to an image that keep its label. */
export interface Augmentation {
  /** Whether a mirrored image keeps its label. */
  readonly flip: boolean;
  /** Largest shift in pixels, horizontally and vertically, that keeps the label; 0 for none. */
  readonly shift: number;
}

/** Images to classify, in three disjoint splits. */
export interface Task {
  readonly name: string;
  /** What there is to tell, for people. */
  readonly title: string;
  readonly classes: readonly string[];
  readonly image: { readonly height: number; readonly width: number };
  readonly train: Split;
  readonly validation: Split;
  readonly test: Split;
  readonly augment: Augmentation;
  /** What a reader of results should know about how the splits came about; often empty. */
  readonly notes: readonly string[];
}
