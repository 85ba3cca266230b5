import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openRecordStore } from "./index.node.ts";
import { memoryRecordStore, type RecordStore } from "./index.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "graft-store-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const stores: [string, () => RecordStore][] = [
  ["memory", memoryRecordStore],
  ["memory up to a bound never reached", () => openRecordStore()],
  ["memory, then a file", () => openRecordStore({ memoryBytes: 40, folder })],
  ["a file from the first record", () => openRecordStore({ memoryBytes: 0, folder })],
];

test.each(stores)("records come back by index, also while more are appended: %s", (_, open) => {
  const anyRecords = fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 20 });
  const roundTrip = fc.property(anyRecords, (records) => {
    const store = open();
    try {
      for (const [k, record] of records.entries()) {
        store.append(record);
        const earlier = (7 * k) % (k + 1);
        expect(store.get(earlier)).toEqual(records[earlier]);
      }
      expect(store.count).toBe(records.length);
      for (let k = records.length - 1; k >= 0; k--) expect(store.get(k)).toEqual(records[k]);
      for (const wrong of [-1, records.length, 0.5]) expect(() => store.get(wrong)).toThrow(RangeError);
    } finally {
      store.close();
    }
  });
  fc.assert(roundTrip, { seed: 5, numRuns: 60 });
});

test.each(stores)("records larger than the buffer, and many buffers: %s", (_, open) => {
  const store = open();
  const sizes = [10, 5_000_000, 3_000_000, 3_000_000, 0, 4_194_304, 1, 9_000_000];
  const record = (k: number) => new Uint8Array(sizes[k]!).fill(k + 1);
  for (const k of sizes.keys()) store.append(record(k));
  for (const k of sizes.keys()) expect(Buffer.compare(store.get(k), record(k))).toBe(0);
  store.close();
});

test("what is appended is a copy", () => {
  const store = openRecordStore();
  const record = Uint8Array.of(1);
  store.append(record);
  record[0] = 2;
  expect(store.get(0)).toEqual(Uint8Array.of(1));
});

test("the temporary file is gone at the end and after an abort, and nothing can be read then", async () => {
  const store = openRecordStore({ memoryBytes: 0, folder });
  store.append(Uint8Array.of(1));
  store.close();
  store.close();
  expect(() => store.get(0)).toThrow(/closed/);
  const stop = new AbortController();
  const aborted = openRecordStore({ memoryBytes: 0, folder, signal: stop.signal });
  aborted.append(Uint8Array.of(1));
  stop.abort(new Error("enough"));
  expect(() => aborted.append(Uint8Array.of(1))).toThrow("enough");
  expect(await readdir(folder)).toEqual([]);
});

test("a folder that cannot be written to is named", async () => {
  await writeFile(join(folder, "file"), "");
  const store = openRecordStore({ memoryBytes: 0, folder: join(folder, "file") });
  expect(() => store.append(Uint8Array.of(1))).toThrow(expect.objectContaining({ code: "FILE_NOT_FOLDER" }));
});
