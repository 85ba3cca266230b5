import { inputShapes, type ModelInput, type TextInput } from "../backbone/index.ts";
import { GraftError } from "../base/index.ts";
import { type TargetBatch, targetsAt } from "../objective/index.ts";
import type { HostTensor } from "../runtime/index.ts";
import { type Augmentation, type Goal, imagesAt, type Split, type TextSplit } from "../tasks/index.ts";
import { padBatch } from "../text/index.ts";

/** Which examples go into a batch, and how. */
export interface ExampleBatch {
  readonly split: Split;
  readonly indices: Uint32Array;
  readonly input: ModelInput;
  /** Examples of the batch; those beyond the indices are padding. */
  readonly batchSize: number;
  /** Tokens a row, for texts; default those of the longest one. */
  readonly tokens?: number;
  readonly augment?: Augmentation & { readonly seed: number; readonly epoch: number };
  /** Arrays that batch after batch is written into, by what is fed; default new ones for each. */
  readonly buffers?: FeedBuffers;
}

/** Without them a training hands JavaScript's collector each batch's arrays, which took a third of a short step's time. */
export type FeedBuffers = Map<string, Float32Array>;

/** That many numbers, whatever they are: of the array of that name, if it is large enough, else of a new one. */
export function bufferOf(buffers: FeedBuffers | undefined, name: string, length: number): Float32Array {
  const known = buffers?.get(name);
  if (known && known.length >= length) return known.subarray(0, length);
  const made = new Float32Array(length);
  buffers?.set(name, made);
  return made;
}

/** Texts an example consists of; 1 for pictures. */
export const viewsOf = (split: Split): number => (split.kind === "text" ? split.views : 1);

/**
 * What the backbone's inputs are fed, by name: pixels, or ids, mask and types of `views · batchSize` rows, first texts
 * first.
 * @throws GraftError DATA_MISMATCH for texts to a model of pictures or the other way round
 */
export function inputFeeds({ split, indices, input, buffers, ...options }: ExampleBatch): Record<string, HostTensor> {
  if (split.kind !== input.kind)
    throw new GraftError("DATA_MISMATCH", {
      thing: split.kind === "text" ? "texts" : "pictures",
      place: `the model takes ${input.kind === "text" ? "texts" : "pictures"}`,
      remedy: "Choose data and model that go together",
    });
  if (split.kind === "text" && input.kind === "text") return textFeeds(split, indices, input, options);
  if (split.kind !== "image" || input.kind !== "image") throw new TypeError("unreachable");
  const shape = inputShapes(input, options)[input.name]!;
  const into = bufferOf(
    buffers,
    input.name,
    shape.reduce((a, b) => a * b, 1),
  );
  const data = imagesAt(split, indices, { ...input, ...options, into });
  return { [input.name]: { dtype: "float32", shape, data } };
}

/** The feeds of a training step: inputs, `targets` (where the goal has any) and `weights`. */
export function stepFeeds(
  goal: Goal,
  batch: ExampleBatch,
  classWeights?: ArrayLike<number>,
): Record<string, HostTensor> {
  return { ...inputFeeds(batch), ...batchTargets(goal, batch, classWeights) };
}

/** What a training step is fed besides its inputs: `targets` (where the goal has any) and `weights`. */
export function batchTargets(
  goal: Goal,
  { split, indices, batchSize, tokens }: ExampleBatch,
  classWeights?: ArrayLike<number>,
): Record<string, HostTensor> {
  return targetFeeds(targetsAt(goal, split, indices, { batchSize, tokens }, classWeights));
}

export function targetFeeds({ targets, weights }: TargetBatch): Record<string, HostTensor> {
  return {
    ...(targets && { targets: { dtype: "float32", ...targets } }),
    weights: { dtype: "float32", ...weights },
  };
}

/** Tokens of the longest text of some examples. */
export const longest = (split: TextSplit, indices: Uint32Array): number =>
  indices.reduce((most, index) => Math.max(most, split.length(index)), 1);

/**
 * Which of a batch's tokens are those of its examples.
 * @param feeds  of `inputFeeds`
 * @returns      [rows]: 1 for tokens of examples, 0 for those of the batch's padding and of a text's
 */
export function realTokens(
  feeds: Readonly<Record<string, HostTensor>>,
  input: ModelInput,
  { rows, sequences, batchSize, examples }: Record<"rows" | "sequences" | "batchSize" | "examples", number>,
): Float32Array {
  const tokens = rows / sequences;
  const mask = input.kind === "text" && input.mask !== undefined ? feeds[input.mask]!.data : undefined;
  return Float32Array.from({ length: rows }, (_, row) =>
    Math.floor(row / tokens) % batchSize < examples ? Number(mask?.[row] ?? 1) : 0,
  );
}

function textFeeds(
  split: TextSplit,
  indices: Uint32Array,
  input: TextInput,
  { batchSize, tokens }: { readonly batchSize: number; readonly tokens?: number },
): Record<string, HostTensor> {
  const length = input.fixedLength ?? tokens ?? longest(split, indices);
  // Padding rows repeat the first example: a row without any token would divide by zero.
  const rows = Array.from({ length: batchSize }, (_, row) => split.encodings(indices[row] ?? indices[0]!));
  const encodings = Array.from({ length: split.views }, (_, view) => rows.map((views) => views[view]!)).flat();
  const { ids, mask, types } = padBatch(encodings, length, split.padding);
  const shape = [encodings.length, length];
  const whole = (data: Int32Array): HostTensor =>
    input.dtype === "int64" ? { dtype: "int64", shape, data: widened(data) } : { dtype: "int32", shape, data };
  return {
    [input.ids]: whole(ids),
    ...(input.mask !== undefined && { [input.mask]: whole(mask) }),
    ...(input.types !== undefined && { [input.types]: whole(types) }),
    ...(input.positions !== undefined && { [input.positions]: whole(positionsOf(mask, length)) }),
  };
}

/** Half by half, as little-endian machines have them (the runtime knows no others): a BigInt for each number is slow. */
function widened(data: Int32Array): BigInt64Array {
  const halves = new Int32Array(2 * data.length);
  for (let k = 0; k < data.length; k++) {
    halves[2 * k] = data[k]!;
    halves[2 * k + 1] = data[k]! >> 31;
  }
  return new BigInt64Array(halves.buffer);
}

/** 0, 1, 2 … over the tokens of each row; padding in front is 0. */
function positionsOf(mask: Int32Array, length: number): Int32Array {
  let position = 0;
  return mask.map((present, k) => {
    if (k % length === 0) position = 0;
    return present === 1 || position > 0 ? position++ : 0;
  });
}
