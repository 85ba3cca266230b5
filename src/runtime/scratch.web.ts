import { closedBy, fileRecordStore, GraftError, memoryRecordStore, type RandomAccessFile } from "../base/index.ts";
import { scratchRoom } from "./scratch-room.ts";
import type { Runtime } from "./session.ts";

/** What a page may keep in memory in all: tabs are killed for much more. */
const MEMORY_BYTES = 512 * 2 ** 20;

/** Share of what the browser lets this origin store that its stores may take in all. */
const DISK_SHARE = 0.5;

/** The folder of the origin's private file system that temporary files lie in. */
const FOLDER = "graft-scratch";

/** Stores in memory up to a bound, then in files of the origin's private file system, which a worker reads without a wait. */
export function openWebScratch(memoryBytes = MEMORY_BYTES): Runtime["scratch"] {
  const [inMemory, onDisk] = [scratchRoom(), scratchRoom()];
  const open: Runtime["scratch"] = async (sizes, signal) => {
    const bytes = sizes.reduce((a, b) => a + b, 0);
    if (inMemory.promised + bytes <= memoryBytes)
      return sizes.map((size) => inMemory.hold(closedBy(signal, memoryRecordStore()), size));
    if (onDisk.promised + bytes > DISK_SHARE * ((await freeDisk()) + onDisk.filled)) return undefined;
    const files = await openFiles(sizes.length);
    return files?.map(({ file, name }, k) => onDisk.hold(closedBy(signal, fileRecordStore(file, name)), sizes[k]!));
  };
  // One after another, so that room is not given twice.
  let last: Promise<unknown> = Promise.resolve();
  return (sizes, signal) => {
    const stores = last.then(() => open(sizes, signal));
    last = stores.catch(() => {});
    return stores;
  };
}

/** Bytes the browser lets this origin store beyond what it has; 0 where files cannot be read without a wait: outside workers. */
async function freeDisk(): Promise<number> {
  const handles = (globalThis as { FileSystemFileHandle?: { prototype: object } }).FileSystemFileHandle;
  if (handles === undefined || !("createSyncAccessHandle" in handles.prototype)) return 0;
  const { quota = 0, usage = 0 } = await navigator.storage.estimate().catch((): StorageEstimate => ({}));
  return quota - usage;
}

interface NamedFile {
  readonly name: string;
  readonly file: RandomAccessFile;
}

/** So many new files; none where the browser refuses one, as in private windows. */
async function openFiles(count: number): Promise<readonly NamedFile[] | undefined> {
  const files: NamedFile[] = [];
  try {
    const root = (await navigator.storage.getDirectory()) as unknown as Folder;
    const folder = await root.getDirectoryHandle(FOLDER, { create: true });
    await removeLeftovers(folder);
    while (files.length < count) files.push(await openFile(folder));
    return files;
  } catch {
    for (const { file } of files) file.close();
    return undefined;
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
    read: (into, at) => handle.read(into, { at }),
    write(content, at) {
      const count = told(name, () => handle.write(content, { at }));
      if (count === 0) throw diskFull(name);
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

function told<T>(name: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw (cause as Error).name === "QuotaExceededError" ? diskFull(name, cause) : cause;
  }
}

const diskFull = (name: string, cause?: unknown): GraftError =>
  new GraftError("FILE_DISK_FULL", {
    thing: `temporary file "${name}"`,
    place: "the browser lets this page store no more",
    remedy: "Free some space, or what the site has stored",
    cause,
  });

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
