import type { RecordStore } from "../base/index.ts";

/** Stores that share a bound. */
export interface ScratchRoom {
  /** Bytes that open stores may take, and those they have taken: what is free does not tell what is left. */
  readonly promised: number;
  readonly filled: number;
  /** A store that was promised some bytes, and gives them back when it closes. */
  hold(store: RecordStore, bytes: number): RecordStore;
}

export function scratchRoom(): ScratchRoom {
  let [promised, filled] = [0, 0];
  return {
    get promised() {
      return promised;
    },
    get filled() {
      return filled;
    },
    hold(store, bytes) {
      let own = { promised: bytes, filled: 0 };
      promised += bytes;
      return {
        get count() {
          return store.count;
        },
        append(record) {
          store.append(record);
          own.filled += record.length;
          filled += record.length;
        },
        get: store.get,
        close() {
          promised -= own.promised;
          filled -= own.filled;
          own = { promised: 0, filled: 0 };
          store.close();
        },
      };
    },
  };
}
