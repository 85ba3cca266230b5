import { elementCount, tensorOf } from "./tensors.ts";
import type { Tensor } from "./types.ts";

/** Reads a tensor's bytes, each time the same: into memory that it is given, if it can, or else alone in a buffer. */
type ReadBytes = (into?: Uint8Array) => Uint8Array;

/** What is known of tensors that are read again. */
const known = new WeakMap<
  Tensor,
  { readonly length: number; readonly read: ReadBytes; readonly isHeld: () => boolean }
>();

/**
 * A tensor whose bytes are in memory only as long as something uses them: they are read when asked for, and again once they have
 * been let go.
 * @param length  how many bytes there are
 */
export function rereadTensor({ dtype, shape, origin }: Omit<Tensor, "bytes">, length: number, read: ReadBytes): Tensor {
  // Views of the buffer come and go while it is in use, so it is the buffer that is looked after.
  let buffer: WeakRef<ArrayBufferLike> | undefined;
  const tensor: Tensor = {
    dtype,
    shape,
    get bytes() {
      const held = buffer?.deref();
      if (held?.byteLength === length) return new Uint8Array(held);
      const bytes = read();
      buffer = new WeakRef(bytes.buffer);
      return bytes;
    },
    ...(origin && { origin }),
  };
  known.set(tensor, { length, read, isHeld: () => buffer?.deref()?.byteLength === length });
  return tensor;
}

/**
 * A float32 tensor made of another's values; of one that is read again it is made again.
 * @param make  from a tensor of the same type, shape and values, whose bytes are overwritten afterwards; into an array that it is given, if
 *              it can, or else one of its own
 */
export function tensorMadeOf(
  source: Tensor,
  shape: readonly number[],
  make: (source: Tensor, into?: Float32Array) => Float32Array,
): Tensor {
  const { dtype, shape: from } = source;
  if (!known.has(source)) return tensorOf("float32", shape, make(source));
  const length = 4 * elementCount(shape);
  return rereadTensor({ dtype: "float32", shape }, length, (into) => {
    const place = into && new Float32Array(into.buffer, into.byteOffset, length / 4);
    const made = passingBytes(source, (bytes) => make({ dtype, shape: from, bytes }, place));
    return new Uint8Array(made.buffer, made.byteOffset, length);
  });
}

/** Tensors up to this size are read into one place one after another, rather than each into memory that then waits for the collector. */
const PASSING = 1 << 25;
/** A place for what is looked at, another for what that is made of, and so on. */
const places: Uint8Array[] = [];
let depth = 0;

/**
 * Look at a tensor's bytes, which are overwritten afterwards: unlike those of `bytes`, nothing of them waits for the collector.
 * @param use  keeps no view of them
 */
export function passingBytes<T>(tensor: Tensor, use: (bytes: Uint8Array) => T): T {
  const { length = 0, read, isHeld } = known.get(tensor) ?? {};
  if (!read || isHeld?.() || length > PASSING) return use(tensor.bytes);
  if ((places[depth]?.length ?? 0) < length) places[depth] = new Uint8Array(length);
  const place = places[depth]!.subarray(0, length);
  depth++;
  try {
    return use(read(place));
  } finally {
    depth--;
  }
}

/** Fill memory with a tensor's bytes: read there at once, where they have to be read. */
export function copyBytes(tensor: Tensor, into: Uint8Array): void {
  const { read, isHeld } = known.get(tensor) ?? {};
  const bytes = read && !isHeld?.() ? read(into) : tensor.bytes;
  if (bytes.buffer !== into.buffer) into.set(bytes);
}

/** Whether a tensor is one that is read again when it is needed. */
export const isReread = (tensor: Tensor): boolean => known.has(tensor);

/** How many bytes of such tensors are in memory now, in use or not yet collected. */
export const heldBytes = (tensors: Iterable<Tensor>): number =>
  [...tensors].reduce((sum, tensor) => sum + (known.get(tensor)?.isHeld() ? tensorBytes(tensor) : 0), 0);

/** How many bytes a tensor has; it is not read for that. */
export const tensorBytes = (tensor: Tensor): number => known.get(tensor)?.length ?? tensor.bytes.byteLength;
