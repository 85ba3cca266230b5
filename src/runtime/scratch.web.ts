import {
  closedBy,
  fileRecordStore,
  GraftError,
  memoryRecordStore,
  type RandomAccessFile,
  type RecordStore,
} from "../base/index.ts";
import { scratchRoom } from "./scratch-room.ts";
import type { Runtime } from "./session.ts";

/** What a page may keep in memory in all: tabs are killed for much more. */
const MEMORY_BYTES = 512 * 2 ** 20;

/** Share of what the browser lets this origin store that its stores may take in all. */
const DISK_SHARE = 0.5;

/** The folder of the origin's private file system that temporary files lie in; the lock under which they come and go has its name. */
const FOLDER = "graft-scratch";

const [inMemory, onDisk] = [scratchRoom(), scratchRoom()];
/** One after another, so that room is not given twice. */
let last: Promise<unknown> = Promise.resolve();
let isClean = false;

/**
 * Stores in memory up to a bound, then in files of the origin's private file system, which a dedicated worker reads without a wait.
 * @param memoryBytes  bound of what all of the page's stores take in memory; default 512 MiB
 * @throws GraftError OPTIONS
 */
export function openWebScratch(memoryBytes = MEMORY_BYTES): Runtime["scratch"] {
  if (!(memoryBytes >= 0))
    throw new GraftError("OPTIONS", {
      thing: `keptBytes ${memoryBytes}`,
      place: "it is no number of bytes",
      remedy: "Give 0 or more, or leave it out",
    });
  return (sizes, signal) => {
    const stores = last.then(() => open(sizes, memoryBytes, signal));
    last = stores.catch(() => {});
    return stores;
  };
}

async function open(
  sizes: readonly number[],
  memoryBytes: number,
  signal: AbortSignal | undefined,
): Promise<readonly RecordStore[] | undefined> {
  const bytes = sizes.reduce((a, b) => a + b, 0);
  // A page that was closed or crashed may have left gigabytes.
  if (!isClean) await withFolder(removeLeftovers);
  isClean = true;
  if (inMemory.promised + bytes <= memoryBytes)
    return sizes.map((size) => inMemory.hold(closedBy(signal, memoryRecordStore()), size));
  const files = await withFolder(async (folder) => {
    await removeLeftovers(folder);
    const fits = onDisk.promised + bytes <= DISK_SHARE * ((await freeDisk()) + onDisk.filled);
    return fits ? openFiles(folder, sizes.length) : undefined;
  });
  return files?.map(({ file, name }, k) => onDisk.hold(closedBy(signal, fileRecordStore(file, name)), sizes[k]!));
}

/**
 * Do something with the folder that no other page of the origin does at the same time: a file without a handle is not protected.
 * @returns undefined where there are no files that can be read without a wait (outside dedicated workers, in private windows), or where
 *          the browser refuses
 */
async function withFolder<T>(work: (folder: Folder) => Promise<T>): Promise<T | undefined> {
  const handles = (globalThis as { FileSystemFileHandle?: { prototype: object } }).FileSystemFileHandle;
  if (handles === undefined || !("createSyncAccessHandle" in handles.prototype)) return undefined;
  const locked = async () => {
    const root = (await navigator.storage.getDirectory()) as unknown as Folder;
    return work(await root.getDirectoryHandle(FOLDER, { create: true }));
  };
  try {
    return await (navigator.locks ? navigator.locks.request(FOLDER, locked) : locked());
  } catch {
    return undefined;
  }
}

/** Bytes the browser lets this origin store beyond what it has. */
async function freeDisk(): Promise<number> {
  const { quota = 0, usage = 0 } = await navigator.storage.estimate();
  return quota - usage;
}

interface NamedFile {
  readonly name: string;
  readonly file: RandomAccessFile;
}

async function openFiles(folder: Folder, count: number): Promise<readonly NamedFile[]> {
  const files: NamedFile[] = [];
  try {
    while (files.length < count) files.push(await openFile(folder));
    return files;
  } catch (error) {
    for (const { file } of files) file.close();
    throw error;
  }
}

/** Files of pages that were closed or crashed. One that is still open cannot be removed. */
async function removeLeftovers(folder: Folder): Promise<void> {
  const names: string[] = [];
  for await (const name of folder.keys()) names.push(name);
  await Promise.all(names.map((name) => folder.removeEntry(name).catch(() => {})));
}

async function openFile(folder: Folder): Promise<NamedFile> {
  const name = `${crypto.randomUUID()}.tmp`;
  const handle = await (await folder.getFileHandle(name, { create: true })).createSyncAccessHandle();
  const file: RandomAccessFile = {
    read: (into, at) => checked(name, "read", () => handle.read(into, { at })),
    write(content, at) {
      const count = checked(name, "write", () => handle.write(content, { at }));
      if (count === 0) throw failed(name, "write");
      return count;
    },
    close() {
      handle.close();
      // What stays goes with the next one's leftovers.
      folder.removeEntry(name).catch(() => {});
    },
  };
  return { name, file };
}

function checked<T>(name: string, doing: "read" | "write", work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw failed(name, doing, cause);
  }
}

/** A browser tells a full disk in several ways, or only that it did not write. */
const failed = (name: string, doing: "read" | "write", cause?: unknown): GraftError =>
  doing === "write"
    ? new GraftError("FILE_DISK_FULL", {
        thing: `temporary file "${name}"`,
        place: `the browser stores no more: ${reasonOf(cause)}`,
        remedy: "Free some space, or what the site has stored",
        cause,
      })
    : new GraftError("FILE_IO", {
        thing: `temporary file "${name}"`,
        place: `it could not be read: ${reasonOf(cause)}`,
        remedy: "Check the disk, and start again",
        cause,
      });

const reasonOf = (cause: unknown): string =>
  cause instanceof Error ? `${cause.name}, ${cause.message}` : "it gave none";

/** What TypeScript's types of a page lack, for only workers have it. */
interface Folder {
  keys(): AsyncIterable<string>;
  getDirectoryHandle(name: string, options: { create: boolean }): Promise<Folder>;
  getFileHandle(name: string, options: { create: boolean }): Promise<FileHandle>;
  removeEntry(name: string): Promise<void>;
}

interface FileHandle {
  createSyncAccessHandle(): Promise<{
    read(into: Uint8Array, options: { at: number }): number;
    write(content: Uint8Array, options: { at: number }): number;
    close(): void;
  }>;
}
