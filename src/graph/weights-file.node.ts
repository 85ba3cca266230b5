import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { fileError } from "../base/index.node.ts";
import { GraftError } from "../base/index.ts";
import { rereadTensor } from "./reread.ts";
import type { Tensor } from "./types.ts";

/** Smaller files stay in memory: there is little to let go. */
const LEAST_FILE = 64 * 2 ** 20;

/** Smaller tensors stay in memory. */
const LEAST_TENSOR = 1 << 14;

/** A big file that stays open as long as something may be read from it, whatever becomes of its name. */
export interface WeightsFile {
  /** Bytes in it. */
  readonly size: number;
  /** @param into  default an array of its own */
  read(offset: number, length: number, into?: Uint8Array): Uint8Array;
  /** A tensor whose bytes lie there. */
  tensor(type: Omit<Tensor, "bytes">, offset: number, length: number): Tensor;
}

const closing = new FinalizationRegistry<number>((descriptor) => {
  try {
    closeSync(descriptor);
  } catch {
    // Nobody is there to be told.
  }
});

/**
 * A file whose tensors are let go when nothing uses them (weights that are trained, or were made int8, or whose results are kept) and
 * read again when they are; undefined for one so small that they just as well stay, and for what is no file.
 * @throws GraftError FILE_*; later also MODEL_CHANGED, where the file was written to
 */
export function openWeightsFile(path: string): WeightsFile | undefined {
  const checked = <T>(work: () => T): T => {
    try {
      return work();
    } catch (cause) {
      throw fileError(cause, path, "read");
    }
  };
  // Opening a pipe would wait for who writes to it.
  const found = checked(() => statSync(path));
  if (!found.isFile() || found.size < LEAST_FILE) return undefined;
  const descriptor = checked(() => openSync(path, "r"));
  const state = () => checked(() => fstatSync(descriptor, { bigint: true }));
  const opened = state();
  const file: WeightsFile = {
    size: Number(opened.size),
    read(offset, length, into) {
      const now = state();
      if (now.mtimeNs !== opened.mtimeNs || now.size !== opened.size)
        throw new GraftError("MODEL_CHANGED", {
          thing: `"${path}"`,
          place: "it was written to since it was opened, and its weights are needed again",
          remedy:
            "Leave a model's file alone while it is in use; what was training goes on from its checkpoint with --resume",
        });
      return checked(() => readRange(descriptor, offset, length, path, into));
    },
    tensor(type, offset, length) {
      if (length < LEAST_TENSOR) return { ...type, bytes: file.read(offset, length) };
      return rereadTensor(type, length, (into) => file.read(offset, length, into));
    },
  };
  closing.register(file, descriptor);
  return file;
}

/** @throws GraftError MODEL_SIZE; system errors */
export function readRange(
  descriptor: number,
  offset: number,
  length: number,
  file: string,
  into?: Uint8Array,
): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = into ?? new Uint8Array(length);
  } catch (cause) {
    throw new GraftError("MODEL_SIZE", {
      thing: `"${file}"`,
      place: `${length} bytes of it are needed at once, more than can be had`,
      remedy: "Free some memory or use a smaller model",
      cause,
    });
  }
  for (let done = 0; done < length; ) {
    // One system call reads at most 2 GB.
    const count = readSync(descriptor, bytes, done, Math.min(length - done, 1 << 30), offset + done);
    if (count === 0) throw Object.assign(new Error("became shorter"), { code: "EIO" });
    done += count;
  }
  return bytes;
}
