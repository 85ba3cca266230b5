import type { Features } from "../training/index.ts";

/** Numbers of neighbours that validation chooses among. */
const CHOICES = [1, 3, 5, 10, 20] as const;

/**
 * Nearest neighbours by cosine: an answer is the mean target of the k nearest training examples.
 * @param train  features with targets, [count, width] and [count, outputs]
 * @param score  how good answers [count, outputs] to the validation features are; higher is better
 * @returns      answers to features, the k chosen on validation
 */
export function nearestNeighbours(
  train: Features,
  validation: Features,
  score: (answers: Float32Array) => number,
): { readonly k: number; readonly answer: (features: Features) => Float32Array } {
  const known = normalizedRows(train);
  const most = Math.min(CHOICES.at(-1)!, train.count);
  const choices = CHOICES.filter((k) => k <= most);
  const near = nearest(known, train.width, validation, most);
  const scores = choices.map((k) => score(means(near, most, k, train)));
  const k = choices[scores.indexOf(Math.max(...scores))] ?? 1;
  return { k, answer: (features) => means(nearest(known, train.width, features, k), k, k, train) };
}

/** The `most` nearest training rows of each feature row, nearest first, [count, most]; of equal ones the earlier. */
function nearest(known: Float32Array, width: number, features: Features, most: number): Int32Array {
  const rows = normalizedRows(features);
  const total = known.length / width;
  const found = new Int32Array(features.count * most);
  const cosines = new Float32Array(most);
  for (let row = 0; row < features.count; row++) {
    cosines.fill(Number.NEGATIVE_INFINITY);
    const list = found.subarray(row * most, (row + 1) * most);
    for (let other = 0; other < total; other++) {
      let cosine = 0;
      for (let k = 0; k < width; k++) cosine += rows[row * width + k]! * known[other * width + k]!;
      if (!(cosine > cosines[most - 1]!)) continue;
      let at = most - 1;
      for (; at > 0 && cosine > cosines[at - 1]!; at--) {
        cosines[at] = cosines[at - 1]!;
        list[at] = list[at - 1]!;
      }
      cosines[at] = cosine;
      list[at] = other;
    }
  }
  return found;
}

/** Mean targets of the first k of `most` neighbours, [count, outputs]. */
function means(near: Int32Array, most: number, k: number, { targets, count }: Features): Float32Array {
  const outputs = targets!.data.length / count;
  const rows = near.length / most;
  const answers = new Float32Array(rows * outputs);
  // A little less for each further one, so that a vote that is even goes to the nearest.
  const weights = Array.from({ length: k }, (_, neighbour) => 1 - 1e-3 * neighbour);
  const total = weights.reduce((a, b) => a + b, 0);
  for (let row = 0; row < rows; row++)
    for (let neighbour = 0; neighbour < k; neighbour++)
      for (let j = 0; j < outputs; j++)
        answers[row * outputs + j]! +=
          targets!.data[near[row * most + neighbour]! * outputs + j]! * (weights[neighbour]! / total);
  return answers;
}

/** Rows at length 1. */
export function normalizedRows({ data, width }: Pick<Features, "data" | "width">): Float32Array {
  const rows = data.slice();
  for (let from = 0; from < rows.length; from += width) {
    let square = 0;
    for (let k = 0; k < width; k++) square += rows[from + k]! ** 2;
    const length = Math.sqrt(square) || 1;
    for (let k = 0; k < width; k++) rows[from + k]! /= length;
  }
  return rows;
}
