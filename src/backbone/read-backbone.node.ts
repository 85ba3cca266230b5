import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { fileError, readFileChecked } from "../base/index.node.ts";
import { GraftError } from "../base/index.ts";
import { decodeSafetensors, readSafetensors } from "../formats/index.ts";
import { openWeightsFile, readModel } from "../graph/index.node.ts";
import type { Graph, Tensor } from "../graph/index.ts";
import { pickFiles } from "../hub/index.ts";
import { authorFromSafetensors } from "./authored/index.ts";
import type { BackboneOptions } from "./open-backbone.ts";
import { parsePreprocessor } from "./preprocessor.ts";

export interface ReadOptions {
  /** Which ONNX file of a folder: a kind (`fp32`, `fp16`, `q8`, …) or a file's name; default the best. */
  readonly variant?: string;
}

export interface ReadBackbone {
  readonly graph: Graph;
  readonly options: BackboneOptions;
  /** Lines for the user: which of a folder's files was taken. */
  readonly notes: readonly string[];
}

/**
 * Read a model from an ONNX file or from a folder as Transformers.js, Optimum or `save_pretrained` lay it out (an ONNX
 * file, or else safetensors with a config.json), with the picture settings of a `preprocessor_config.json` or else a `processor_config.json`. Its source is
 * an absolute path, to be found again from another folder.
 * @throws GraftError MODEL_NOT_FOUND, ONNX_VARIANT, MODEL_TYPE, CONFIG, WEIGHTS, and what reading a model throws
 */
export async function readBackbone(path: string, { variant }: ReadOptions = {}): Promise<ReadBackbone> {
  const kind = await stat(path).catch((cause) => {
    throw fileError(cause, path, "read");
  });
  const named = { name: basename(path, ".onnx"), source: resolve(path) };
  if (!kind.isDirectory()) {
    const settings = await pictureSettings([dirname(path), dirname(dirname(path))]);
    return { graph: await readModel(path), options: { ...named, ...settings }, notes: [] };
  }
  const { onnx, weights, notes } = pickFiles(await filesOf(path), { variant, place: `folder ${path}` });
  const settings = await pictureSettings([path]);
  const graph = onnx ? await readModel(join(path, onnx)) : await authorFromFiles(path, weights, settings.imageSize);
  return { graph, options: { ...named, ...settings }, notes };
}

/** Files of a model's folder and of its folder `onnx`, `/` between the parts. */
async function filesOf(folder: string): Promise<readonly string[]> {
  const namesIn = async (below: string) => {
    const entries = await readdir(join(folder, below), { withFileTypes: true }).catch((cause) => {
      if (below !== "") return [];
      throw fileError(cause, folder, "read");
    });
    return entries.filter((entry) => !entry.isDirectory()).map((entry) => below + entry.name);
  };
  return [...(await namesIn("")), ...(await namesIn("onnx/"))];
}

async function authorFromFiles(
  folder: string,
  weights: readonly string[],
  imageSize: BackboneOptions["imageSize"],
): Promise<Graph> {
  const config = await readJson(join(folder, "config.json"));
  const index = weights.find((file) => file.endsWith(".json"));
  const files = index === undefined ? weights : piecesOf(await readJson(join(folder, index)), join(folder, index));
  const tensors = new Map<string, Tensor>();
  for (const file of files) {
    const path = join(folder, file);
    const big = openWeightsFile(path);
    const decoded = big ? readSafetensors(big, file) : decodeSafetensors(await readFileChecked(path), file);
    for (const [name, tensor] of decoded.tensors) tensors.set(name, tensor);
  }
  return authorFromSafetensors(config, tensors, { imageSize });
}

/** The files a `model.safetensors.index.json` names. */
function piecesOf(index: unknown, path: string): readonly string[] {
  const map = (index as { weight_map?: unknown } | null)?.weight_map;
  const files = [...new Set(Object.values(map ?? {}))];
  if (files.length > 0 && files.every((file) => typeof file === "string" && basename(file) === file))
    return files as string[];
  throw new GraftError("WEIGHTS", {
    thing: `"${path}"`,
    place: "its weight_map does not name files beside it",
    remedy: "Fetch or save the model again",
  });
}

async function readJson(path: string): Promise<unknown> {
  const text = new TextDecoder().decode(await readFileChecked(path));
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new GraftError("CONFIG", {
      thing: `"${path}"`,
      place: "it is not JSON",
      remedy: "Fix the file, or fetch it again",
      cause,
    });
  }
}

const PICTURE_SETTINGS = ["preprocessor_config.json", "processor_config.json"];

/** Those of the first file of these in these folders. */
async function pictureSettings(folders: readonly string[]): Promise<ReturnType<typeof parsePreprocessor>> {
  for (const path of folders.flatMap((folder) => PICTURE_SETTINGS.map((file) => join(folder, file)))) {
    const isThere = await stat(path).then(
      (entry) => entry.isFile(),
      () => false,
    );
    if (isThere) return parsePreprocessor(new TextDecoder().decode(await readFileChecked(path)), path);
  }
  return {};
}
