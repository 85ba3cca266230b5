import type { Backbone } from "../backbone/index.ts";
import { GraftError } from "../base/index.ts";
import type { EdgeScores } from "./scores.ts";

/** Whether scoring with a stride scores an edge. */
export const isOnStride = (stride: number, { from, to }: { readonly from: number; readonly to: number }): boolean =>
  from % stride === 0 && to % stride === 0;

/**
 * A backbone of which every k-th hidden state alone is known, the first among them; its state j is state k · j of the whole.
 * @throws GraftError STRIDE_OUT_OF_RANGE
 */
export function strided<B extends Pick<Backbone, "states" | "name">>(backbone: B, stride: number): B {
  const { states, name } = backbone;
  if (!(Number.isInteger(stride) && stride >= 1 && stride < Math.max(2, states.length)))
    throw new GraftError("STRIDE_OUT_OF_RANGE", {
      thing: `stride ${stride}`,
      place: `${name} has states 0 to ${states.length - 1}`,
      remedy: `Choose a whole number from 1 to ${states.length - 1}; 3 scores a ninth of the edges, as the paper did`,
    });
  return stride === 1 ? backbone : { ...backbone, states: states.filter((_, state) => state % stride === 0) };
}

/** Scores between all n states, of those between states of the stride: 0 where it passes over. */
export function spread({ matrix, tieBreak }: EdgeScores, stride: number, n: number): EdgeScores {
  const wide = (rows: EdgeScores["matrix"]) =>
    Array.from({ length: n }, (_, from) =>
      Array.from({ length: n }, (_, to) => (isOnStride(stride, { from, to }) ? rows[from / stride]![to / stride]! : 0)),
    );
  return { matrix: wide(matrix), ...(tieBreak && { tieBreak: wide(tieBreak) }) };
}
