import { randomUUID } from "node:crypto";
import { copyFile, readdir, readFile, rename, rm, stat, symlink } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { fileError, makeFolder, writeFileAtomic } from "../base/index.node.ts";

/** One file of a model at a commit. */
export interface HubFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Name of its blob: SHA-256 of the content for a big file (64 digits), git's SHA-1 for a small one (40). */
  readonly etag: string;
}

/** What the cache keeps of one model, laid out as Python's `huggingface_hub` does. */
export interface ModelCache {
  /** Folder of one commit's files; it may not exist. */
  snapshot(commit: string): string;
  blob(etag: string): string;
  /** The commit that a branch or tag was at when it was last fetched. */
  readRef(revision: string): Promise<string | undefined>;
  writeRef(revision: string, commit: string): Promise<void>;
  /** All files of the repository at a commit, which never change; graft's own addition, kept to work offline. */
  readListing(commit: string): Promise<readonly HubFile[] | undefined>;
  writeListing(commit: string, files: readonly HubFile[]): Promise<void>;
  /** Paths of the files kept for a commit. */
  kept(commit: string): Promise<readonly string[]>;
  /** Whether a file is kept for a commit, at its full size. */
  has(commit: string, file: Pick<HubFile, "path"> & { readonly size?: number }): Promise<boolean>;
  /** Let a commit's file be its blob. */
  link(commit: string, file: HubFile): Promise<void>;
}

const COMMIT = /^[0-9a-f]{40}$/;

export const isCommit = (text: string): boolean => COMMIT.test(text);

export function modelCache(cache: string, repo: string): ModelCache {
  const root = join(cache, `models--${repo.replace("/", "--")}`);
  const snapshot = (commit: string) => join(root, "snapshots", commit);
  const blob = (etag: string) => join(root, "blobs", etag);
  const refFile = (revision: string) => join(root, "refs", ...revision.split("/"));
  const listingFile = (commit: string) => join(root, ".graft", `${commit}.json`);
  return {
    snapshot,
    blob,
    async readRef(revision) {
      const text = await readFile(refFile(revision), "utf8").catch(() => "");
      return isCommit(text.trim()) ? text.trim() : undefined;
    },
    async writeRef(revision, commit) {
      const file = refFile(revision);
      if ((await readFile(file, "utf8").catch(() => "")) === commit) return;
      await write(file, commit);
    },
    async readListing(commit) {
      const text = await readFile(listingFile(commit), "utf8").catch(() => undefined);
      return text === undefined ? undefined : parseListing(text);
    },
    writeListing: (commit, files) => write(listingFile(commit), JSON.stringify({ schema: 1, files })),
    async kept(commit) {
      const folder = snapshot(commit);
      const names = await readdir(folder, { recursive: true }).catch(() => []);
      const files: string[] = [];
      for (const name of names.sort()) if (await isFile(join(folder, name))) files.push(name.split(sep).join("/"));
      return files;
    },
    async has(commit, { path, size }) {
      const found = await stat(join(snapshot(commit), path)).catch(() => undefined);
      return found?.isFile() === true && (size === undefined || found.size === size);
    },
    async link(commit, file) {
      const pointer = join(snapshot(commit), file.path);
      const target = blob(file.etag);
      await makeFolder(dirname(pointer));
      // Under another name first: who reads meanwhile meets the old file or the new one.
      const fresh = `${pointer}.${randomUUID().slice(0, 8)}.tmp`;
      try {
        // Windows without the right to make links: a copy does.
        await symlink(relative(dirname(pointer), target), fresh).catch(() => copyFile(target, fresh));
        await rename(fresh, pointer);
      } catch (cause) {
        await rm(fresh, { force: true });
        throw fileError(cause, pointer, "write");
      }
    },
  };
}

/** Models of the cache, `org/name`. */
export async function cachedModels(cache: string): Promise<readonly string[]> {
  const names = await readdir(cache).catch(() => []);
  return names.filter((name) => name.startsWith("models--")).map((name) => name.slice(8).replace("--", "/"));
}

async function write(file: string, text: string): Promise<void> {
  await makeFolder(dirname(file));
  await writeFileAtomic(file, text);
}

const isFile = (path: string) =>
  stat(path).then(
    (found) => found.isFile(),
    () => false,
  );

/** A listing of another version, or damaged, is as good as none. */
function parseListing(text: string): readonly HubFile[] | undefined {
  try {
    const { schema, files } = JSON.parse(text) as { schema: number; files: readonly HubFile[] };
    return schema === 1 && files.every(isHubFile) ? files : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a file's path stays in its folder and its blob's name is a hash: both become paths on this disk. */
export function isHubFile({ path, size, etag }: HubFile): boolean {
  const parts = String(path).split("/");
  const stays = parts.every((part) => part !== "" && part !== "." && part !== ".." && !/[\\:\p{Cc}]/u.test(part));
  return stays && Number.isSafeInteger(size) && size >= 0 && /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(etag);
}
