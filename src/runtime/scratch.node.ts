import { statfsSync } from "node:fs";
import { tmpdir, totalmem } from "node:os";
import { openRecordStore } from "../base/index.node.ts";
import type { RecordStore } from "../base/index.ts";

/** Shares of what is free that a store may take, so that the training beside it, and others, have theirs. */
const MEMORY_SHARE = 0.25;
const DISK_SHARE = 0.5;

/** Share of the machine's memory that stays free, however many stores there are. */
const SPARE_SHARE = 0.25;

/** A store in memory where a quarter of what is free is enough, else in a temporary file of at most half the free disk. */
export function scratch(bytes: number, signal?: AbortSignal): RecordStore | undefined {
  const free = process.availableMemory();
  if (bytes <= MEMORY_SHARE * free && free - bytes >= SPARE_SHARE * totalmem())
    return openRecordStore({ memoryBytes: bytes, signal });
  return bytes <= DISK_SHARE * freeDisk() ? openRecordStore({ memoryBytes: 0, signal }) : undefined;
}

function freeDisk(): number {
  try {
    const { bavail, bsize } = statfsSync(tmpdir());
    return bavail * bsize;
  } catch {
    return 0;
  }
}
