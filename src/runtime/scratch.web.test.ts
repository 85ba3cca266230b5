import { afterEach, beforeEach, expect, test, vi } from "vitest";

/** A page of its own for each test: what a page keeps is bounded in all. */
let openWebScratch: typeof import("./scratch.web.ts").openWebScratch;
beforeEach(async () => {
  vi.resetModules();
  ({ openWebScratch } = await import("./scratch.web.ts"));
});

/** A stand-in for a worker's private file system, as far as it is used; the tests in a browser have a real one. */
function fakeFiles({ quota = 1000, usage = 0 } = {}) {
  const files = new Map<string, { isOpen: boolean }>();
  const locked = (name: string) => files.get(name)?.isOpen === true;
  const folder = {
    async *keys() {
      yield* [...files.keys()];
    },
    async removeEntry(name: string) {
      if (locked(name)) throw new DOMException("it is open", "NoModificationAllowedError");
      files.delete(name);
    },
    async getFileHandle(name: string) {
      const file = { isOpen: false };
      files.set(name, file);
      const bytes = new Uint8Array(quota);
      let size = 0;
      return {
        async createSyncAccessHandle() {
          file.isOpen = true;
          return {
            write(content: Uint8Array, { at }: { at: number }) {
              if (at + content.length > quota) throw new DOMException("no more", "QuotaExceededError");
              // Half of it, as a system may.
              const some = content.subarray(0, Math.ceil(content.length / 2));
              bytes.set(some, at);
              size = Math.max(size, at + some.length);
              return some.length;
            },
            read(into: Uint8Array, { at }: { at: number }) {
              const read = bytes.subarray(at, Math.min(size, at + into.length));
              into.set(read);
              return read.length;
            },
            close() {
              file.isOpen = false;
            },
          };
        },
      };
    },
  };
  vi.stubGlobal(
    "FileSystemFileHandle",
    class {
      createSyncAccessHandle() {}
    },
  );
  vi.stubGlobal("navigator", {
    storage: {
      estimate: async () => ({ quota, usage }),
      getDirectory: async () => ({ getDirectoryHandle: async () => folder }),
    },
  });
  return files;
}

afterEach(() => vi.unstubAllGlobals());

test("memory first, then files, of which nothing stays", async () => {
  const files = fakeFiles();
  files.set("of-a-page-that-crashed", { isOpen: false });
  files.set("of-another-page", { isOpen: true });
  const scratch = openWebScratch(10);
  const [small] = (await scratch([10]))!;
  expect([...files.keys()]).toEqual(["of-another-page"]);
  const [first, second] = (await scratch([5, 5]))!;
  expect([...files.keys()]).toEqual(["of-another-page", expect.any(String), expect.any(String)]);
  first!.append(Uint8Array.of(1, 2, 3));
  second!.append(Uint8Array.of(4));
  expect(first!.get(0)).toEqual(Uint8Array.of(1, 2, 3));
  for (const store of [small, first, second]) store!.close();
  await vi.waitFor(() => expect([...files.keys()]).toEqual(["of-another-page"]));
  expect(() => first!.get(0)).toThrow("closed");
});

test("half of what the browser lets the page store, in all", async () => {
  fakeFiles({ quota: 1000, usage: 200 });
  const scratch = openWebScratch(0);
  const [a, b] = await Promise.all([scratch([300]), scratch([300])]);
  expect(a).toHaveLength(1);
  expect(b).toBeUndefined();
  a![0]!.close();
  expect(await scratch([400])).toHaveLength(1);
});

test("records that do not go through at once, and a disk that fills up", async () => {
  fakeFiles({ quota: 12 * 2 ** 20 });
  const [store] = (await openWebScratch(0)([6 * 2 ** 20]))!;
  const record = Uint8Array.from({ length: 5 * 2 ** 20 }, (_, k) => k % 251);
  store!.append(record);
  expect(Buffer.compare(store!.get(0), record)).toBe(0);
  store!.append(record);
  expect(() => store!.append(record)).toThrow(expect.objectContaining({ code: "FILE_DISK_FULL" }));
});

test("what is no number of bytes is refused", () => {
  for (const bytes of [-1, Number.NaN])
    expect(() => openWebScratch(bytes)).toThrow(expect.objectContaining({ code: "OPTIONS" }));
});

test("where the browser refuses there is no room", async () => {
  fakeFiles();
  vi.stubGlobal("navigator", { storage: { getDirectory: () => Promise.reject(new Error("a private window")) } });
  expect(await openWebScratch(0)([1])).toBeUndefined();
});

test("an abort closes the files", async () => {
  const files = fakeFiles();
  const stop = new AbortController();
  const [store] = (await openWebScratch(0)([5], stop.signal))!;
  stop.abort(new Error("enough"));
  expect(() => store!.append(Uint8Array.of(1))).toThrow("enough");
  await vi.waitFor(() => expect(files.size).toBe(0));
});
