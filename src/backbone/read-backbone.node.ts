import { stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { fileError, readFileChecked } from "../base/index.node.ts";
import { GraftError } from "../base/index.ts";
import { readModel } from "../graph/index.node.ts";
import type { Graph } from "../graph/index.ts";
import type { BackboneOptions } from "./open-backbone.ts";
import { parsePreprocessor } from "./preprocessor.ts";

/** Where a model lies in a folder as Transformers.js or Optimum lay it out, in order of preference. */
const MODEL_PLACES = ["onnx/model.onnx", "model.onnx"];

/**
 * Read a model from an ONNX file, or from a folder that has one, with the picture settings of a
 * `preprocessor_config.json` beside it. Its source is an absolute path, to be found again from another folder.
 * @throws GraftError MODEL_NOT_FOUND, and what reading a model throws
 */
export async function readBackbone(path: string): Promise<{ graph: Graph; options: BackboneOptions }> {
  const kind = await stat(path).catch((cause) => {
    throw fileError(cause, path, "read");
  });
  const file = kind.isDirectory() ? await modelIn(path) : path;
  const graph = await readModel(file);
  const config = await firstExisting(
    [dirname(file), dirname(dirname(file))].map((at) => join(at, "preprocessor_config.json")),
  );
  const text = config && new TextDecoder().decode(await readFileChecked(config));
  const settings = config && text !== undefined ? parsePreprocessor(text, config) : {};
  return { graph, options: { name: basename(path, ".onnx"), source: resolve(path), ...settings } };
}

async function modelIn(folder: string): Promise<string> {
  const found = await firstExisting(MODEL_PLACES.map((place) => join(folder, place)));
  if (found !== undefined) return found;
  throw new GraftError("MODEL_NOT_FOUND", {
    thing: `folder ${folder}`,
    place: `it holds neither ${MODEL_PLACES.join(" nor ")}`,
    remedy: "Name the .onnx file itself",
  });
}

async function firstExisting(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    const found = await stat(path).then(
      (entry) => entry.isFile(),
      () => false,
    );
    if (found) return path;
  }
  return undefined;
}
