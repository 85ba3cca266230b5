import { GraftError } from "../base/index.ts";

export interface LengthBucketsOptions {
  /** No length is above it. */
  readonly maxLength: number;
  /** Lengths at most; default 4. */
  readonly buckets?: number;
}

/** Lengths are multiples of it, but for `maxLength` itself. */
const STEP = 8;
/** Fewer lengths are taken where they cost at most this share more tokens than `buckets` would: each is a graph to prepare. */
const TOLERANCE = 0.05;

/**
 * A few lengths for static graphs, so that each example fits one and padding is small: of all choices of up to
 * `buckets` lengths the one with the fewest padded tokens, or fewer lengths where those come within 5 % of it.
 * @param lengths  tokens of each example, at most `maxLength` (an encoding is)
 * @returns        ascending; empty without examples
 * @throws GraftError BUCKET_LENGTH if an example is longer than `maxLength`
 */
export function lengthBuckets(lengths: ArrayLike<number>, { maxLength, buckets = 4 }: LengthBucketsOptions): number[] {
  const counts = new Map<number, number>();
  for (let k = 0; k < lengths.length; k++) {
    const length = lengths[k]!;
    if (length > maxLength)
      throw new GraftError("BUCKET_LENGTH", {
        thing: `example ${k}`,
        place: `it has ${length} tokens, more than ${maxLength}`,
        remedy: "Encode it with a tokenizer opened with that maxLength",
      });
    const rounded = Math.min(Math.max(STEP, Math.ceil(length / STEP) * STEP), maxLength);
    counts.set(rounded, (counts.get(rounded) ?? 0) + 1);
  }
  const sizes = [...counts.keys()].sort((a, b) => a - b);
  if (sizes.length === 0) return [];
  const best = bestChoices(sizes, counts, Math.min(buckets, sizes.length));
  const least = best.at(-1)!.cost;
  return best.find(({ cost }) => cost <= least * (1 + TOLERANCE))!.chosen;
}

interface Choice {
  /** Tokens of all examples, padded. */
  readonly cost: number;
  readonly chosen: number[];
}

/** The best choice of 1, 2, … `most` of the ascending sizes, always with the last: dynamic programming over where each ends. */
function bestChoices(sizes: readonly number[], counts: ReadonlyMap<number, number>, most: number): Choice[] {
  /** `below[i]`: examples of the first i sizes. */
  const below = [0];
  for (const size of sizes) below.push(below.at(-1)! + counts.get(size)!);
  const cost = (from: number, to: number) => (below[to + 1]! - below[from]!) * sizes[to]!;
  // `round[j]`: the best choice for sizes 0..j whose largest is size j.
  let round: Choice[] = sizes.map((size, j) => ({ cost: cost(0, j), chosen: [size] }));
  const best = [round.at(-1)!];
  for (let count = 2; count <= most; count++) {
    const previous = round;
    round = sizes.map((size, j) => {
      let choice = previous[j]!;
      for (let i = count - 2; i < j; i++) {
        const total = previous[i]!.cost + cost(i + 1, j);
        if (total < choice.cost) choice = { cost: total, chosen: [...previous[i]!.chosen, size] };
      }
      return choice;
    });
    best.push(round.at(-1)!);
  }
  return best;
}
