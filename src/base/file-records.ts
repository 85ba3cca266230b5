import { offsetList, type RecordStore } from "./record-store.ts";

/** An open file that is read and written at any place without a wait. */
export interface RandomAccessFile {
  /** @returns how many bytes were read, 0 behind the end */
  read(into: Uint8Array, at: number): number;
  /** @returns how many bytes were written, at least 1 */
  write(content: Uint8Array, at: number): number;
  close(): void;
}

/** Bytes gathered before they are written. */
const BUFFER = 1 << 22;

/**
 * A store in an open file, which it closes.
 * @param name  what an error calls the file
 */
export function fileRecordStore(file: RandomAccessFile, name: string): RecordStore {
  const offsets = offsetList();
  const buffer = new Uint8Array(BUFFER);
  let written = 0; // bytes in the file; those after it are in the buffer
  let buffered = 0;
  let isClosed = false;
  const write = (content: Uint8Array) => {
    for (let done = 0; done < content.length; ) done += file.write(content.subarray(done), written + done);
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
        const count = file.read(record.subarray(done), start + done);
        if (count === 0) throw new Error(`the temporary file ${name} was cut off`);
        done += count;
      }
      return record;
    },
    close() {
      if (isClosed) return;
      isClosed = true;
      offsets.clear();
      file.close();
    },
  };
}
