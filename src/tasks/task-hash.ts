import { labelsOf, type Split, type Task } from "./task.ts";

/** Examples of a split that are looked at whole: more would take long where they are decoded. */
const LOOKED_AT = 64;

/**
 * SHA-256 of what a task's training and validation examples are, hex: their numbers, the goal, all labels, and the
 * content of some. The same data gives the same hash on any machine. Test examples are made by the function that made the ones
 * looked at here, so they differ only where those do.
 */
export async function hashTask({ goal, train, validation }: Task): Promise<string> {
  const parts = [goal, ...(await Promise.all([train, validation].map(describe)))];
  return sha256(new TextEncoder().encode(JSON.stringify(parts)));
}

async function describe(split: Split): Promise<unknown> {
  const { count, targets, kind } = split;
  const step = Math.max(1, Math.floor(count / LOOKED_AT));
  const contents: unknown[] = [];
  for (let index = 0; index < count; index += step)
    contents.push(
      split.kind === "image"
        ? await sha256(split.pixels(index))
        : split.encodings(index).map(({ ids }) => Array.from(ids)),
    );
  const labels =
    targets.kind === "classes"
      ? await sha256(labelsOf(split))
      : targets.kind === "tags"
        ? await sha256(Int32Array.from(Array.from({ length: count }, (_, index) => [...targets.tags(index)]).flat()))
        : targets.kind;
  const numbers = targets.kind === "numbers" ? await sha256(targets.values) : undefined;
  return { kind, count, labels, numbers, contents };
}

async function sha256(data: Uint8Array | Int32Array | Float32Array): Promise<string> {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
