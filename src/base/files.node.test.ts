import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fileError, makeFolder, readFileChecked, stageFile, writeFileAtomic } from "./index.node.ts";
import { GraftError } from "./index.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "graft-files-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const content = (name: string) => readFile(join(folder, name), "utf8");

describe("writeFileAtomic", () => {
  test("writes bytes, text and chunks, replacing what is there", async () => {
    const path = join(folder, "a");
    await writeFileAtomic(path, "text é");
    expect(await content("a")).toBe("text é");
    await writeFileAtomic(path, Uint8Array.of(104, 105));
    expect(await content("a")).toBe("hi");
    await writeFileAtomic(path, [Uint8Array.of(97), new Uint8Array(0), Uint8Array.of(98)]);
    expect(await content("a")).toBe("ab");
    expect(await readdir(folder)).toEqual(["a"]);
  });

  test("while it is being written, the old content stands; after a failure, still, and nothing else is left", async () => {
    const path = join(folder, "a");
    await writeFile(path, "old");
    const failing = async function* () {
      yield Uint8Array.of(110);
      expect(await content("a")).toBe("old");
      expect((await readdir(folder)).length).toBe(2);
      throw new Error("made up");
    };
    await expect(writeFileAtomic(path, failing())).rejects.toThrow("made up");
    expect(await content("a")).toBe("old");
    expect(await readdir(folder)).toEqual(["a"]);
  });

  test("a missing folder, a folder of that name and a file as folder are refused, nothing is left", async () => {
    await mkdir(join(folder, "sub"));
    await writeFile(join(folder, "file"), "");
    const failure = (name: string) => writeFileAtomic(join(folder, name), "x").catch((error: unknown) => error);
    expect(await failure("none/a")).toMatchObject({ code: "FILE_MISSING", remedy: expect.stringContaining("Create") });
    expect(await failure("sub")).toMatchObject({ code: "FILE_IS_FOLDER" });
    expect(await failure("file/a")).toMatchObject({ code: "FILE_NOT_FOLDER" });
    expect((await readdir(folder)).sort()).toEqual(["file", "sub"]);
  });

  test("a read-only folder is refused", async () => {
    await chmod(folder, 0o555);
    // Root may write anywhere: be nobody for a moment.
    const root = process.getuid?.() === 0;
    if (root) process.seteuid?.(65534);
    try {
      await expect(writeFileAtomic(join(folder, "a"), "x")).rejects.toMatchObject({ code: "FILE_ACCESS" });
    } finally {
      if (root) process.seteuid?.(0);
      await chmod(folder, 0o700);
    }
  });
});

test("a staged file shows only once it is committed, and not at all once it is discarded", async () => {
  const kept = await stageFile(join(folder, "kept"), "1");
  const dropped = await stageFile(join(folder, "dropped"), "2");
  expect((await readdir(folder)).every((name) => name.startsWith("."))).toBe(true);
  await kept.commit();
  await kept.discard();
  await dropped.discard();
  expect(await readdir(folder)).toEqual(["kept"]);
});

test("readFileChecked names the file and what to do", async () => {
  await writeFile(join(folder, "a"), "abc");
  expect(await readFileChecked(join(folder, "a"))).toEqual(Uint8Array.of(97, 98, 99));
  const missing = await readFileChecked(join(folder, "b")).catch((error: unknown) => error);
  expect(missing).toBeInstanceOf(GraftError);
  expect(missing).toMatchObject({ code: "FILE_MISSING", thing: `"${join(folder, "b")}"`, remedy: "Check the path" });
  await expect(readFileChecked(folder)).rejects.toMatchObject({ code: "FILE_IS_FOLDER" });
  await symlink("loop", join(folder, "loop"));
  await expect(readFileChecked(join(folder, "loop"))).rejects.toMatchObject({ code: "FILE_NAME" });
});

test("makeFolder makes those above it, and is content with one that is there", async () => {
  await makeFolder(join(folder, "a/b"));
  await makeFolder(join(folder, "a/b"));
  await writeFile(join(folder, "file"), "");
  await expect(makeFolder(join(folder, "file"))).rejects.toMatchObject({ code: "FILE_NOT_FOLDER" });
  await expect(makeFolder(join(folder, "file/a"))).rejects.toMatchObject({ code: "FILE_NOT_FOLDER" });
});

test.each([
  ["ENOSPC", "FILE_DISK_FULL", /disk is full.*Free some space/],
  ["EDQUOT", "FILE_DISK_FULL", /disk is full/],
  ["EROFS", "FILE_READ_ONLY", /read-only/],
  ["EACCES", "FILE_ACCESS", /you may not write it.*permissions/],
  ["EMFILE", "FILE_TOO_MANY", /ulimit -n/],
  ["EIO", "FILE_IO", /could not be written \(EIO\)/],
])("the system's %s becomes %s", (system, code, message) => {
  const error = fileError(Object.assign(new Error(), { code: system }), "a.onnx", "write");
  expect(error).toMatchObject({ code, thing: '"a.onnx"', message: expect.stringMatching(message) });
});

test("what is no system error passes through", () => {
  const aborted = new DOMException("stop", "AbortError");
  expect(fileError(aborted, "a", "write")).toBe(aborted);
  const own = new GraftError("X", { thing: "t", place: "p", remedy: "r" });
  expect(fileError(own, "a", "write")).toBe(own);
});
