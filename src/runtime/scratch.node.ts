import { statfsSync } from "node:fs";
import { tmpdir, totalmem } from "node:os";
import { openRecordStore } from "../base/index.node.ts";
import { type ScratchRoom, scratchRoom } from "./scratch-room.ts";
import type { Runtime } from "./session.ts";

/** Shares of what is free that this process's stores may take in all, so that the training beside them, and others, have theirs. */
const MEMORY_SHARE = 0.2;
const DISK_SHARE = 0.5;

/** Share of the machine's memory that stays free, however many stores there are. */
const SPARE_SHARE = 0.25;

const [inMemory, onDisk] = [scratchRoom(), scratchRoom()];

/** Stores in memory where a fifth of what is free is enough, else in temporary files of at most half the free disk. */
export const scratch: Runtime["scratch"] = async (sizes, signal) => {
  const bytes = sizes.reduce((a, b) => a + b, 0);
  const free = process.availableMemory();
  const fits = isWithin(inMemory, bytes, MEMORY_SHARE, free) && free - bytes >= SPARE_SHARE * totalmem();
  if (!fits && !isWithin(onDisk, bytes, DISK_SHARE, freeDisk())) return undefined;
  return sizes.map((size) =>
    fits
      ? inMemory.hold(openRecordStore({ memoryBytes: size, signal }), size)
      : onDisk.hold(openRecordStore({ memoryBytes: 0, signal }), size),
  );
};

const isWithin = ({ promised, filled }: ScratchRoom, bytes: number, share: number, free: number): boolean =>
  promised + bytes <= share * (free + filled);

function freeDisk(): number {
  try {
    const { bavail, bsize } = statfsSync(tmpdir());
    return bavail * bsize;
  } catch {
    return 0;
  }
}
