import { randomUUID } from "node:crypto";
import { type FileHandle, mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { GraftError } from "./errors.ts";

/** What a file is made of, in order. */
export type Chunks = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** A file that is complete on disk under a temporary name, beside its destination. */
export interface StagedFile {
  /** Give it its name, replacing what is there. */
  commit(): Promise<void>;
  /** Remove it; nothing happens after a commit. */
  discard(): Promise<void>;
}

/** One system call takes at most 2 GB; smaller steps keep the event loop responsive. */
const STEP = 1 << 26;

/**
 * Write a file so that its name only ever shows nothing, the old content or the whole new one: written beside it under
 * a temporary name, flushed, renamed. On failure the temporary file is removed.
 * @throws GraftError FILE_* (see `fileError`)
 */
export async function writeFileAtomic(path: string, content: Uint8Array | string | Chunks): Promise<void> {
  const staged = await stageFile(path, content);
  try {
    await staged.commit();
  } catch (error) {
    await staged.discard();
    throw error;
  }
}

/**
 * First half of `writeFileAtomic`, for files that belong together: stage them all, then commit them in turn.
 * @throws GraftError FILE_*; the temporary file is gone then
 */
export async function stageFile(path: string, content: Uint8Array | string | Chunks): Promise<StagedFile> {
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path).slice(0, 100)}.${randomUUID().slice(0, 8)}.tmp`);
  let file: FileHandle | undefined;
  try {
    if (await isFolder(path)) throw Object.assign(new Error("is a folder"), { code: "EISDIR" });
    file = await open(temporary, "wx");
    for await (const chunk of chunksOf(content)) await writeAll(file, chunk);
    await file.sync();
    await file.close();
  } catch (cause) {
    await file?.close().catch(() => undefined);
    await rm(temporary, { force: true }).catch(() => undefined);
    throw fileError(cause, path, "write");
  }
  return {
    async commit() {
      try {
        await rename(temporary, path);
      } catch (cause) {
        throw fileError(cause, path, "write");
      }
      await syncFolder(folder);
    },
    discard: () => rm(temporary, { force: true }).catch(() => undefined),
  };
}

/**
 * Read a whole file.
 * @throws GraftError FILE_*
 */
export async function readFileChecked(path: string): Promise<Uint8Array> {
  try {
    const content = await readFile(path);
    return new Uint8Array(content.buffer, content.byteOffset, content.byteLength);
  } catch (cause) {
    throw fileError(cause, path, "read");
  }
}

/**
 * Make a folder and those above it; one that is there already is fine.
 * @throws GraftError FILE_*
 */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (cause) {
    const isMissing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    throw fileError(isMissing ? await plainReason(cause, path) : cause, path, "write");
  }
}

/** Node's recursive mkdir answers ENOENT on a read-only disk: a plain one of the first missing folder says why. */
async function plainReason(cause: unknown, path: string): Promise<unknown> {
  const parent = dirname(path);
  if (parent !== path && !(await isFolder(parent))) return plainReason(cause, parent);
  return mkdir(path).then(
    () => cause,
    (reason: unknown) => reason,
  );
}

/**
 * Turn the system's error into one that names file and remedy. Codes: FILE_MISSING, FILE_IS_FOLDER, FILE_NOT_FOLDER,
 * FILE_ACCESS, FILE_DISK_FULL, FILE_READ_ONLY, FILE_TOO_MANY, FILE_TOO_BIG, FILE_NAME, FILE_IO for the rest. What is
 * not a system error (a GraftError, an abort from a chunk's maker) is returned as it is.
 */
export function fileError(cause: unknown, path: string, doing: "read" | "write"): unknown {
  const system = cause as NodeJS.ErrnoException;
  if (!(cause instanceof Error) || cause instanceof GraftError || typeof system.code !== "string") return cause;
  if (!/^E[A-Z]|^ERR_FS_/.test(system.code)) return cause;
  const [code, place, remedy] = explain(system.code, doing) ?? [
    "FILE_IO",
    `could not be ${doing === "read" ? "read" : "written"} (${system.code})`,
    "Check the disk and try again",
  ];
  return new GraftError(code, { thing: `"${path}"`, place, remedy, cause });
}

function explain(code: string, doing: "read" | "write"): [code: string, place: string, remedy: string] | undefined {
  const read = doing === "read";
  switch (code) {
    case "ENOENT":
      return read
        ? ["FILE_MISSING", "there is no such file", "Check the path"]
        : ["FILE_MISSING", "its folder does not exist", "Create the folder or choose another path"];
    case "EISDIR":
      return read
        ? ["FILE_IS_FOLDER", "it is a folder, not a file", "Give the path of a file in it"]
        : ["FILE_IS_FOLDER", "a folder has this name", "Choose another name"];
    case "EEXIST":
    case "ENOTDIR":
      return ["FILE_NOT_FOLDER", "a part of the path is a file, not a folder", "Check the path"];
    case "EACCES":
    case "EPERM":
      return [
        "FILE_ACCESS",
        `you may not ${doing} it`,
        `Change its permissions${read ? "" : " or choose another folder"}`,
      ];
    case "ENOSPC":
    case "EDQUOT":
      return ["FILE_DISK_FULL", "the disk is full; nothing was left behind", "Free some space or choose another disk"];
    case "EROFS":
      return ["FILE_READ_ONLY", "the disk is read-only", "Choose a folder that can be written to"];
    case "EMFILE":
    case "ENFILE":
      return ["FILE_TOO_MANY", "too many files are open", "Close some programs or raise the limit (`ulimit -n`)"];
    case "EFBIG":
    case "ERR_FS_FILE_TOO_LARGE":
      return ["FILE_TOO_BIG", "it is larger than the system allows", "Keep big weights in external data"];
    case "ENAMETOOLONG":
      return ["FILE_NAME", "its name is too long", "Choose a shorter name"];
    case "ELOOP":
      return ["FILE_NAME", "its links lead in a circle", "Remove the link"];
    default:
      return undefined;
  }
}

function chunksOf(content: Uint8Array | string | Chunks): Chunks {
  if (typeof content === "string") return [new TextEncoder().encode(content)];
  return content instanceof Uint8Array ? [content] : content;
}

async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let done = 0; done < chunk.byteLength; ) {
    const { bytesWritten } = await file.write(chunk, done, Math.min(STEP, chunk.byteLength - done));
    done += bytesWritten;
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** Make a rename survive a power cut, where the system can (Windows cannot open folders). */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r").catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}
