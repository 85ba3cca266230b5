import { createHash } from "node:crypto";
import { constants, createReadStream } from "node:fs";
import { type FileHandle, open, rename, rm, stat, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileError, makeFolder } from "../base/index.node.ts";
import { GraftError } from "../base/index.ts";
import type { HubFile } from "./cache.node.ts";

export interface Download {
  readonly file: HubFile;
  /** Where the blob is to lie. It appears there whole and checked, or not at all. */
  readonly target: string;
  /** Ask for the content from a byte on. */
  readonly read: (from: number) => Promise<Response>;
  /** Milliseconds to wait where the connection breaks; so often in a row may it break without a new byte. */
  readonly pauses: readonly number[];
  readonly signal?: AbortSignal;
  /** Told how many bytes of the file are there. */
  readonly onBytes?: (done: number) => void;
}

/** What is there of a blob is kept under this name, and continued. Not Python's `.incomplete`, which may have holes. */
const PARTIAL = ".graft.incomplete";
/** A connection that is silent so long is broken. */
const SILENCE_SECONDS = 60;

/** Downloads of this process by target: a file that two calls want is fetched once. */
const running = new Map<string, Promise<void>>();

/**
 * Fetch one file: continued where an earlier call stopped, checked against its hash, then given its name.
 * @throws GraftError HUB_NETWORK (what came is kept), HUB_CHECKSUM (nothing is kept), FILE_* (disk full: nothing is kept), and
 *         what `read` throws; the signal's reason when aborted (what came is kept)
 */
export async function download(job: Download): Promise<void> {
  const { file, target, signal, onBytes } = job;
  const isThere = async () => (await sizeOf(target)) === file.size;
  while (!(await isThere())) {
    const other = running.get(target);
    if (other === undefined) {
      const own = fetchBlob(job).finally(() => running.delete(target));
      running.set(target, own);
      return own;
    }
    // It may fail, or be aborted by its caller: then it is our turn.
    await orAborted(
      other.catch(() => undefined),
      signal,
    );
  }
  onBytes?.(file.size);
}

async function fetchBlob(job: Download): Promise<void> {
  const { file, target, pauses, signal } = job;
  const partial = target + PARTIAL;
  await makeFolder(dirname(target));
  const discard = () => rm(partial, { force: true });
  if (((await sizeOf(partial)) ?? 0) > file.size) await discard();
  await checkSpace(target, file.size - ((await sizeOf(partial)) ?? 0), file.path);
  for (let failures = 0, before = -1; ; ) {
    try {
      await append(job, partial);
      break;
    } catch (error) {
      signal?.throwIfAborted();
      const kept = (await sizeOf(partial)) ?? 0;
      failures = kept > before ? 0 : failures + 1;
      before = kept;
      if (!isConnection(error)) {
        if (isDiskFull(error) || hasCode(error, "HUB_CHECKSUM")) await discard();
        throw fileError(error, target, "write");
      }
      const pause = pauses[failures];
      if (pause === undefined) throw interrupted(file, kept, error);
      await delay(pause, undefined, { signal }).catch(() => signal?.throwIfAborted());
    }
  }
  try {
    if ((await hashOf(partial, file, signal)) !== file.etag) {
      await discard();
      throw wrongChecksum(file, "its content is not what the hub lists");
    }
    await rename(partial, target);
  } catch (cause) {
    // Another process writes the same bytes to the same places; it may be the one to check them and give them the name.
    if ((await sizeOf(target)) !== file.size) throw fileError(cause, target, "write");
  }
}

/** The connection's fault, not the disk's. */
class Broken extends Error {}

/** Read from where the partial file ends to the file's end. */
async function append({ file, read, signal, onBytes }: Download, partial: string): Promise<void> {
  // Made if missing, never emptied: another process may be at it.
  const handle = await open(partial, constants.O_RDWR | constants.O_CREAT);
  try {
    let at = (await handle.stat()).size;
    onBytes?.(at);
    if (at === file.size) return;
    const response = await read(at);
    if (at > 0 && !continues(response, at)) {
      await handle.truncate(0);
      at = 0;
    }
    const chunks = response.body?.getReader();
    if (!chunks) throw new Broken("no content", { cause: new Error("an empty answer") });
    try {
      for (;;) {
        const chunk = await nextChunk(chunks, signal);
        if (chunk === undefined) break;
        if (at + chunk.byteLength > file.size)
          throw wrongChecksum(file, `it has more than the ${file.size} bytes listed`);
        await writeAt(handle, chunk, at);
        at += chunk.byteLength;
        onBytes?.(at);
      }
    } finally {
      await chunks.cancel().catch(() => undefined);
    }
    if (at < file.size) throw new Broken("cut off", { cause: new Error(`the answer ended after ${at} bytes`) });
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Whether an answer goes on at the byte asked for; a server may send the whole instead. */
function continues(response: Response, from: number): boolean {
  return response.status === 206 && new RegExp(`^bytes ${from}-`).test(response.headers.get("content-range") ?? "");
}

async function nextChunk(
  chunks: ReadableStreamDefaultReader<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<Uint8Array | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no byte in ${SILENCE_SECONDS} seconds`)), SILENCE_SECONDS * 1000);
  });
  try {
    return (await Promise.race([chunks.read(), silence])).value;
  } catch (cause) {
    signal?.throwIfAborted();
    throw new Broken("the connection broke", { cause });
  } finally {
    clearTimeout(timer);
  }
}

async function writeAt(handle: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < chunk.byteLength; )
    done += (await handle.write(chunk, done, chunk.byteLength - done, position + done)).bytesWritten;
}

/** As the hub names blobs: SHA-256, or git's SHA-1 of a small file, which begins with its length. */
async function hashOf(path: string, { etag, size }: HubFile, signal: AbortSignal | undefined): Promise<string> {
  const hash = etag.length === 64 ? createHash("sha256") : createHash("sha1").update(`blob ${size}\0`);
  for await (const chunk of createReadStream(path, { signal, highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

async function checkSpace(target: string, needed: number, name: string): Promise<void> {
  const disk = await statfs(dirname(target)).catch(() => undefined);
  const free = disk && disk.bavail * disk.bsize;
  // Some file systems say 0 and mean that they do not know.
  if (!free || free >= needed) return;
  throw new GraftError("FILE_DISK_FULL", {
    thing: `"${target}"`,
    place: `${name} takes ${megabytes(needed)}, the disk has ${megabytes(free)} left`,
    remedy: "Free some space, or set HF_HUB_CACHE to a folder on another disk",
  });
}

const megabytes = (bytes: number) => `${Math.ceil(bytes / 1e6).toLocaleString("en-US")} MB`;

const isDiskFull = (error: unknown) => ["ENOSPC", "EDQUOT"].includes((error as NodeJS.ErrnoException).code ?? "");

const hasCode = (error: unknown, code: string) => error instanceof GraftError && error.code === code;

const isConnection = (error: unknown) => error instanceof Broken || hasCode(error, "HUB_NETWORK");

const wrongChecksum = (file: HubFile, why: string) =>
  new GraftError("HUB_CHECKSUM", {
    thing: file.path,
    place: `${why}; nothing of it was kept`,
    remedy: "Try again; if it stays so, what lies between here and the hub (HF_ENDPOINT, a proxy) changes it",
  });

const interrupted = (file: HubFile, kept: number, cause: unknown) =>
  new GraftError("HUB_NETWORK", {
    thing: file.path,
    place: `the connection broke; ${megabytes(kept)} of ${megabytes(file.size)} are kept`,
    remedy: "Run it again: it goes on from there",
    cause,
  });

const sizeOf = (path: string): Promise<number | undefined> =>
  stat(path).then(
    (found) => found.size,
    () => undefined,
  );

/** Wait, but no longer than until the signal. */
async function orAborted(promise: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (!signal) return promise;
  signal.throwIfAborted();
  let stop: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
  });
  try {
    await Promise.race([promise, aborted]);
  } finally {
    if (stop) signal.removeEventListener("abort", stop);
  }
}
