import { readFile, stat } from "node:fs/promises";
import { dirname, relative } from "node:path";
import { readBackbone, readTextSettings } from "./backbone/index.node.ts";
import { authoredType, type BackboneOptions } from "./backbone/index.ts";
import type { LongCall } from "./base/index.ts";
import { decodeModel, type Graph } from "./graph/index.ts";
import { fetchModel } from "./hub/index.node.ts";
import { isHubSource } from "./hub/index.ts";
import { builtinName, embeddedUrl } from "./open-source.ts";

/** A model as it was found, not yet looked into. */
export interface FoundModel {
  readonly graph: Graph;
  /** `notes` among them: which of several files was taken. */
  readonly options: BackboneOptions;
}

export interface FindModelOptions extends LongCall {
  /** Which of a model's ONNX files: a kind (`fp32`, `fp16`, `q8`, …) or a file's name; default the best. */
  readonly dtype?: string;
}

/**
 * Find a model and its settings: `builtin:vit`, `hf:org/name[@revision]`, an ONNX file, or a folder.
 * @throws GraftError UNKNOWN_MODEL, HUB_*, MODEL_NOT_FOUND, ONNX_VARIANT, FILE_* and what reading a model throws
 */
export async function findModel(source: string, { dtype, ...call }: FindModelOptions = {}): Promise<FoundModel> {
  const builtin = builtinName(source);
  if (builtin !== undefined) {
    const graph = decodeModel(await readFile(embeddedUrl(builtin)), { name: builtin });
    return { graph, options: { name: builtin, source } };
  }
  if (!isHubSource(source)) return readWithSettings(source, dtype);
  const { folder, commit, onnx, notes } = await fetchModel(source, {
    variant: dtype,
    checkConfig: authoredType,
    ...call,
  });
  const found = await readWithSettings(folder, onnx && relative(folder, onnx));
  const [name] = source.split("@") as [string];
  return {
    graph: found.graph,
    options: {
      ...found.options,
      name: name.slice(name.lastIndexOf("/") + 1),
      source: `${name}@${commit}`,
      dtype,
      notes,
    },
  };
}

async function readWithSettings(path: string, dtype: string | undefined): Promise<FoundModel> {
  const { graph, options, notes } = await readBackbone(path, { variant: dtype });
  const folder = await settingsFolder(path);
  const settings = folder && (await readTextSettings(folder, fixedLength(graph)));
  return { graph, options: { ...options, ...settings, folder, dtype, notes } };
}

/** Tokens of every text, where a text model's file fixes it. */
function fixedLength({ inputs, types }: Graph): number | undefined {
  const shape = types.get(inputs[0] ?? "")?.shape;
  return shape?.length === 2 && typeof shape[1] === "number" ? shape[1] : undefined;
}

/** Where a model's settings lie: in its folder, beside its file, or above the folder `onnx` it lies in. */
async function settingsFolder(path: string): Promise<string | undefined> {
  const isThere = async (file: string) =>
    stat(file).then(
      (found) => found.isFile(),
      () => false,
    );
  if (!(await isThere(path))) return path;
  for (const folder of [dirname(path), dirname(dirname(path))])
    if (await isThere(`${folder}/config.json`)) return folder;
  return undefined;
}
