/** Byte records in the order they were appended, read by index. */
export interface RecordStore {
  readonly count: number;
  /** Copies the bytes. */
  append(record: Uint8Array): void;
  /** The record's bytes, which must not be written to; a RangeError where there is none. */
  get(index: number): Uint8Array;
  /** Let everything go; nothing can be read afterwards. May be called again. */
  close(): void;
}

/** Bytes that one block of memory holds; a larger record gets a block of its own. */
const BLOCK = 1 << 22;

/** A store in memory alone. Blocks of 4 MiB, so that no growth copies what is there. */
export function memoryRecordStore(): RecordStore {
  const offsets = offsetList();
  let blocks: Uint8Array[] = [];
  let starts: number[] = []; // offset of each block's first byte
  let used = BLOCK; // of the last block
  return {
    get count() {
      return offsets.count;
    },
    append(record) {
      const last = blocks.at(-1);
      if (last === undefined || used + record.length > last.length) {
        if (last !== undefined) blocks[blocks.length - 1] = last.subarray(0, used);
        blocks.push(new Uint8Array(Math.max(BLOCK, record.length)));
        starts.push(offsets.end);
        used = 0;
      }
      blocks.at(-1)!.set(record, used);
      used += record.length;
      offsets.push(record.length);
    },
    get(index) {
      const [start, end] = offsets.range(index);
      let [low, high] = [0, starts.length - 1]; // last block that starts at or before `start`, and holds it
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if (starts[middle]! <= start) low = middle;
        else high = middle - 1;
      }
      const block = blocks[low];
      return block === undefined ? new Uint8Array(0) : block.subarray(start - starts[low]!, end - starts[low]!);
    },
    close() {
      blocks = [];
      starts = [];
      offsets.clear();
    },
  };
}

/** The store, which an abort closes; once closed it says so. */
export function closedBy(signal: AbortSignal | undefined, store: RecordStore): RecordStore {
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
      store.append(record);
    },
    get(index) {
      checkOpen();
      return store.get(index);
    },
    close,
  };
}

/** Where records start and end in one stretch of bytes: eight bytes a record. */
export function offsetList() {
  let ends = new Float64Array(1024);
  let count = 0;
  return {
    get count() {
      return count;
    },
    /** Bytes of all records. */
    get end() {
      return count === 0 ? 0 : ends[count - 1]!;
    },
    push(length: number) {
      if (count === ends.length) {
        const larger = new Float64Array(2 * count);
        larger.set(ends);
        ends = larger;
      }
      ends[count] = (count === 0 ? 0 : ends[count - 1]!) + length;
      count++;
    },
    range(index: number): [start: number, end: number] {
      if (!Number.isInteger(index) || index < 0 || index >= count)
        throw new RangeError(`there is no record ${index} of ${count}`);
      return [index === 0 ? 0 : ends[index - 1]!, ends[index]!];
    },
    clear() {
      count = 0;
      ends = new Float64Array(0);
    },
  };
}
