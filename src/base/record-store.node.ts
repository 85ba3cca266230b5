import { randomUUID } from "node:crypto";
import { closeSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileRecordStore } from "./file-records.ts";
import { fileError } from "./files.node.ts";
import { closedBy, memoryRecordStore, type RecordStore } from "./record-store.ts";

export interface RecordStoreOptions {
  /** Bytes held in memory before everything moves to a temporary file; default 256 MiB. */
  readonly memoryBytes?: number;
  /** Where the temporary file goes; default the system's folder for such. */
  readonly folder?: string;
  /** Closes the store when aborted. */
  readonly signal?: AbortSignal;
}

/**
 * A store that holds more than memory does: beyond `memoryBytes` its records lie in a temporary file, read at any place
 * without a wait. The file has no name any more once it is open (where the system allows that), so nothing of it is left
 * behind even by a crash; else it is removed by `close` and at the process's end.
 * @throws GraftError FILE_* (FILE_DISK_FULL, FILE_ACCESS, …) from `append` and `get`
 */
export function openRecordStore(options: RecordStoreOptions = {}): RecordStore {
  const { memoryBytes = 256 * 2 ** 20, folder = tmpdir(), signal } = options;
  let store: RecordStore = memoryRecordStore();
  let bytes = 0;
  return closedBy(signal, {
    get count() {
      return store.count;
    },
    append(record) {
      if (bytes <= memoryBytes && bytes + record.length > memoryBytes) store = moveToFile(store, folder);
      bytes += record.length;
      store.append(record);
    },
    get: (index) => store.get(index),
    close: () => store.close(),
  });
}

function moveToFile(memory: RecordStore, folder: string): RecordStore {
  const file = openTemporaryFile(folder);
  try {
    for (let index = 0; index < memory.count; index++) file.append(memory.get(index));
  } catch (error) {
    file.close();
    throw error;
  }
  memory.close();
  return file;
}

function openTemporaryFile(folder: string): RecordStore {
  const path = join(folder, `graft-records-${randomUUID()}.tmp`);
  const checked = <T>(doing: "read" | "write", work: () => T): T => {
    try {
      return work();
    } catch (cause) {
      throw fileError(cause, path, doing);
    }
  };
  const file = checked("write", () => openSync(path, "wx+", 0o600));
  const remove = () => rmSync(path, { force: true });
  let hasName = false;
  try {
    remove();
  } catch {
    hasName = true; // a system that keeps open files' names
    process.once("exit", remove);
  }
  return fileRecordStore(
    {
      read: (into, at) => checked("read", () => readSync(file, into, 0, into.length, at)),
      write: (content, at) => checked("write", () => writeSync(file, content, 0, content.length, at)),
      close() {
        closeSync(file);
        if (!hasName) return;
        process.off("exit", remove);
        remove();
      },
    },
    path,
  );
}
