import { closeSync, openSync, realpathSync, statSync } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, dirname, join, relative, sep } from "node:path";
import { fileError, readFileChecked, type StagedFile, stageFile } from "../../base/index.node.ts";
import { GraftError } from "../../base/index.ts";
import type { Graph } from "../types.ts";
import { openWeightsFile, readRange } from "../weights-file.node.ts";
import { decodeModel } from "./decode-model.ts";
import {
  type EncodeOptions,
  type ExternalEntry,
  encodePieces,
  INLINE_LIMIT,
  initializerBytes,
  MESSAGE_LIMIT,
} from "./encode-model.ts";
import type { ExternalSource } from "./external-data.ts";
import { outlineModel } from "./outline-model.ts";

/**
 * Read an ONNX file and the external data it names. Those files must lie in the model's folder, also after following
 * links; of each, only the ranges that tensors name are read. Weights of big files are read when they are needed (`WeightsFile`).
 * @throws GraftError FILE_* if a file cannot be read; what `decodeModel` throws
 */
export async function readModel(path: string): Promise<Graph> {
  const size = await sizeOf(path);
  if (size > MESSAGE_LIMIT) {
    throw new GraftError("MODEL_SIZE", {
      thing: `"${path}"`,
      place: `it has ${size} bytes, an ONNX file at most ${MESSAGE_LIMIT}`,
      remedy: "Give the .onnx file, or export the model with external data",
    });
  }
  const file = openWeightsFile(path);
  const bytes = (file && outlineModel(file, OWN_DATA)) ?? (await readFileChecked(path));
  const opened: number[] = [];
  try {
    const sources = new Map<string, ExternalSource | undefined>([[OWN_DATA, file]]);
    const externalData = (location: string) => {
      if (!sources.has(location)) sources.set(location, externalFile(path, location, opened));
      return sources.get(location);
    };
    return decodeModel(bytes, { name: path, externalData });
  } finally {
    for (const descriptor of opened) closeSync(descriptor);
  }
}

/** What a model's file is called where its own weights are read as external data; no export has a file of that name. */
const OWN_DATA = "graft:the-model-itself";

/** Devices and pipes may have no end: only regular files are read. */
async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch((cause) => {
    throw fileError(cause, path, "read");
  });
  if (found.isFile() || found.isDirectory()) return found.size;
  throw new GraftError("NOT_ONNX", { thing: `"${path}"`, place: "it is no regular file", remedy: "Give an ONNX file" });
}

export interface WriteModelOptions extends Pick<EncodeOptions, "threshold"> {
  /**
   * Whether big weights go into one file beside the model, by default named after it with `.data` behind; default: only if they
   * take more than 1.5 GB. Small ones (below `threshold`, 1024 bytes) stay in the model.
   */
  readonly external?: boolean;
  /** The data file's name, in the model's folder. */
  readonly location?: string;
}

/**
 * Write a graph as an ONNX file, and its data file if it has one. Nothing half-written is ever seen under the names:
 * both are complete on disk before the data, then the model, are renamed into place.
 * @throws GraftError FILE_* if the disk is full, the folder missing or read-only, ...; nothing is left behind then
 */
export async function writeModel(graph: Graph, path: string, options: WriteModelOptions = {}): Promise<void> {
  const { external: outside = initializerBytes(graph) > INLINE_LIMIT, threshold } = options;
  const { location = `${basename(path)}.data` } = options;
  const encoded = encodePieces(graph, {
    external: outside ? "one-file" : "none",
    location,
    ...(threshold !== undefined && { threshold }),
  });
  const staged: StagedFile[] = [];
  try {
    if (encoded.external.length > 0) {
      staged.push(await stageFile(join(dirname(path), location), layOut(encoded.external)));
    }
    staged.push(await stageFile(path, encoded.pieces));
    for (const file of staged) await file.commit();
  } finally {
    for (const file of staged) await file.discard();
  }
}

/** The content of a data file: each entry at its offset, zeros between. */
function* layOut(entries: readonly ExternalEntry[]): Generator<Uint8Array> {
  let end = 0;
  for (const { offset, data } of entries) {
    if (offset > end) yield new Uint8Array(offset - end);
    yield data;
    end = offset + data.byteLength;
  }
}

/** Find a data file beside a model; a small one is opened when its first range is read. */
function externalFile(path: string, location: string, opened: number[]): ExternalSource | undefined {
  const file = join(dirname(path), location);
  let real: string;
  let size: number;
  try {
    real = realpathSync(file);
    const found = statSync(real);
    if (!found.isFile()) throw Object.assign(new Error("not a file"), { code: "EISDIR" });
    size = found.size;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw fileError(cause, file, "read");
  }
  // A model that is itself a link (as in download caches) may have its data beside the link or beside its target.
  const folders = [realpathSync(dirname(path)), dirname(realpathSync(path))];
  if (!folders.some((folder) => isInside(real, folder))) {
    throw new GraftError("EXTERNAL_DATA", {
      thing: `"${file}"`,
      place: `named by ${path}, it is a link that leads out of the model's folder`,
      remedy: "Put the data file itself there in place of the link",
    });
  }
  const big = openWeightsFile(real);
  if (big) return big;
  let descriptor: number | undefined;
  return {
    size,
    read(offset, length) {
      try {
        if (descriptor === undefined) {
          descriptor = openSync(real, "r");
          opened.push(descriptor);
        }
        return readRange(descriptor, offset, length, file);
      } catch (cause) {
        throw fileError(cause, file, "read");
      }
    },
  };
}

function isInside(file: string, folder: string): boolean {
  const path = relative(folder, file);
  return path !== "" && path !== ".." && !path.startsWith(`..${sep}`) && join(folder, path) === file;
}
