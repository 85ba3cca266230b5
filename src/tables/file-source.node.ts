import { createReadStream } from "node:fs";
import { open, readdir, stat } from "node:fs/promises";
import { basename, dirname, isAbsolute } from "node:path";
import { fileError } from "../base/index.node.ts";
import { didYouMean, GraftError } from "../base/index.ts";
import type { ByteSource } from "./source.ts";

/** Bytes read at once. */
const STEP = 1 << 18;

/**
 * A file on disk.
 * @param name  what rows and errors call it; default its base name
 * @throws GraftError FILE_* (a missing file's error suggests one beside it)
 */
export async function fileSource(path: string, name = basename(path)): Promise<ByteSource> {
  const found = await statData(path);
  return {
    name,
    folder: dirname(path),
    size: found.size,
    async *chunks(signal) {
      const stream = createReadStream(path, { highWaterMark: STEP });
      try {
        for await (const chunk of stream) {
          signal?.throwIfAborted();
          yield chunk as Uint8Array;
        }
      } catch (cause) {
        throw fileError(cause, path, "read");
      } finally {
        stream.destroy();
      }
    },
    async slice(start, end) {
      try {
        const file = await open(path, "r");
        try {
          const bytes = new Uint8Array(end - start);
          for (let done = 0; done < bytes.length; ) {
            const { bytesRead } = await file.read(bytes, done, Math.min(bytes.length - done, 1 << 26), start + done);
            if (bytesRead === 0) return bytes.buffer.slice(0, done);
            done += bytesRead;
          }
          return bytes.buffer;
        } finally {
          await file.close();
        }
      } catch (cause) {
        throw fileError(cause, path, "read");
      }
    },
  };
}

/** `stat`, with a suggestion where there is no such file. */
export async function statData(path: string) {
  try {
    return await stat(path);
  } catch (cause) {
    const error = fileError(cause, path, "read");
    if (!(error instanceof GraftError) || error.code !== "FILE_MISSING") throw error;
    const beside = await readdir(dirname(path)).catch((): string[] => []);
    const near = didYouMean(basename(path), beside);
    // A study names its data by paths, and may be run from another folder than it was written in.
    const seenFrom = isAbsolute(path) ? "" : `, which is seen from ${process.cwd()}`;
    throw new GraftError(error.code, {
      thing: error.thing,
      place: error.place,
      remedy: `${near}${error.remedy}${seenFrom}`,
      cause,
    });
  }
}
