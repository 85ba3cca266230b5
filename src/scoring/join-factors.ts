import type { HostTensor } from "../runtime/index.ts";
import type { ProbeFactors } from "./probe-pass.ts";

/** Factors of one batch, or of several of a group side by side. */
export interface JoinedFactors extends Pick<ProbeFactors, "states" | "plain" | "cotangents" | "group"> {
  /** Of each batch in turn: its rows, padding among them, and its examples. */
  readonly parts: readonly { readonly rows: number; readonly examples: number }[];
}

/** Those of a batch that is multiplied alone. */
export const alone = (factors: ProbeFactors): JoinedFactors => ({
  ...factors,
  parts: [{ rows: factors.real.length, examples: factors.examples }],
});

/**
 * Tokens of batches that are multiplied together. The sums of ViT-B's 625 gradients take 1.5 GB, and each product walks through
 * its part of them once: with 16 pictures, not with 4.
 */
const TOKENS = 3200;

/** Most bytes of factors that are kept for that; of large models, batches are multiplied alone. */
const BYTES = 2 ** 29;

/**
 * Put batches of a pass together until their products are long enough.
 * @param use  gets the factors of some batches at a time; the next are written to the same arrays
 * @returns    what takes the batches, in the order of the pass; their arrays may be written to afterwards
 */
export function openJoin(use: (factors: JoinedFactors) => Promise<void>): (factors: ProbeFactors) => Promise<void> {
  const rooms = { states: new Float32Array(0), plain: new Float32Array(0), cotangents: new Float32Array(0) };
  let parts: { rows: number; examples: number }[] = [];
  let count = 0;
  return async ({ states, plain, cotangents, group, real, examples, left }) => {
    const rows = real.length;
    if (parts.length === 0) {
      const bytes = 4 * (states.data.length + (plain?.data.length ?? 0) + cotangents.data.length);
      count = Math.min(left, Math.max(1, Math.min(Math.floor(TOKENS / rows), Math.floor(BYTES / bytes))));
    }
    /** The batch's lines, each behind that of the batches before. */
    const joined = (name: keyof typeof rooms, { data, shape }: HostTensor, line: number): HostTensor => {
      if (count === 1) return { dtype: "float32", shape, data };
      const length = count * data.length;
      if (rooms[name].length < length) rooms[name] = new Float32Array(length);
      for (let k = 0; k * line < data.length; k++)
        rooms[name].set(data.subarray(k * line, (k + 1) * line) as Float32Array, (k * count + parts.length) * line);
      const whole = shape.map((size, axis) => (axis === 1 ? count * rows : size));
      return { dtype: "float32", shape: whole, data: rooms[name].subarray(0, length) };
    };
    // Rows are the second axis of either, but only states' last one.
    const all = {
      states: joined("states", states, rows),
      ...(plain && { plain: joined("plain", plain, rows) }),
      cotangents: joined("cotangents", cotangents, rows * (cotangents.shape[2] as number)),
    };
    parts.push({ rows, examples });
    if (parts.length < count) return;
    const done = { ...all, group, parts };
    parts = [];
    await use(done);
  };
}
