import { randomUUID } from "node:crypto";
import { closeSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileError } from "./files.node.ts";
import { memoryRecordStore, offsetList, type RecordStore } from "./record-store.ts";

export interface RecordStoreOptions {
  /** Bytes held in memory before everything moves to a temporary file; default 256 MiB. */
  readonly memoryBytes?: number;
  /** Where the temporary file goes; default the system's folder for such. */
  readonly folder?: string;
  /** Closes the store when aborted. */
  readonly signal?: AbortSignal;
}

/** Bytes gathered before they are written. */
const BUFFER = 1 << 22;

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
  let isClosed = false;
  const close = () => {
    isClosed = true;
    signal?.removeEventListener("abort", close);
    store.close();
  };
  signal?.addEventListener("abort", close);
  if (signal?.aborted) close();
  const checkOpen = () => {
    signal?.throwIfAborted();
    if (isClosed) throw new Error("the record store is closed");
  };
  return {
    get count() {
      return store.count;
    },
    append(record) {
      checkOpen();
      if (bytes <= memoryBytes && bytes + record.length > memoryBytes) store = moveToFile(store, folder);
      bytes += record.length;
      store.append(record);
    },
    get(index) {
      checkOpen();
      return store.get(index);
    },
    close,
  };
}

function moveToFile(memory: RecordStore, folder: string): RecordStore {
  const file = fileRecordStore(folder);
  try {
    for (let index = 0; index < memory.count; index++) file.append(memory.get(index));
  } catch (error) {
    file.close();
    throw error;
  }
  memory.close();
  return file;
}

function fileRecordStore(folder: string): RecordStore {
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
  const offsets = offsetList();
  const buffer = new Uint8Array(BUFFER);
  let written = 0; // bytes in the file; those after it are in the buffer
  let buffered = 0;
  let isClosed = false;
  const write = (content: Uint8Array) => {
    for (let done = 0; done < content.length; )
      done += checked("write", () => writeSync(file, content, done, content.length - done, written + done));
    written += content.length;
  };
  return {
    get count() {
      return offsets.count;
    },
    append(record) {
      if (buffered + record.length > BUFFER) {
        write(buffer.subarray(0, buffered));
        buffered = 0;
      }
      if (record.length > BUFFER) write(record);
      else {
        buffer.set(record, buffered);
        buffered += record.length;
      }
      offsets.push(record.length);
    },
    get(index) {
      const [start, end] = offsets.range(index);
      if (start >= written) return buffer.slice(start - written, end - written);
      const record = new Uint8Array(end - start);
      for (let done = 0; done < record.length; ) {
        const count = checked("read", () => readSync(file, record, done, record.length - done, start + done));
        if (count === 0) throw new Error(`the temporary file ${path} was cut off`);
        done += count;
      }
      return record;
    },
    close() {
      if (isClosed) return;
      isClosed = true;
      offsets.clear();
      closeSync(file);
      if (!hasName) return;
      process.off("exit", remove);
      remove();
    },
  };
}
