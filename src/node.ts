/** The package's entry in Node. */
import { existsSync } from "node:fs";
import { loadTrained, readDescription, saveTrained } from "./artifact/index.node.ts";
import { type Backbone, type Description, type InspectOptions, inspectGraph, openGraph } from "./backbone/index.ts";
import { GraftError } from "./base/index.ts";
import { type FindModelOptions, findModel } from "./open-model.node.ts";
import { type OpenBytesOptions, openBytes } from "./open-source.ts";
import { createNodeRuntime, type NodeRuntimeOptions, nodeRuntime } from "./runtime/index.node.ts";
import type { Ort } from "./runtime/index.ts";
import {
  type DataOptions,
  type ImageFolderOptions,
  isImageFolder,
  type ModelNeeds,
  openImageFolder,
  openRowsTask,
} from "./tasks/index.node.ts";
import {
  type GeneratedTaskOptions,
  type ImageTarget,
  openGeneratedTask,
  resizeTask,
  type Task,
  taskNames,
} from "./tasks/index.ts";
import type { TunedModel } from "./training/index.ts";

export { folderCheckpoint } from "./artifact/index.node.ts";
export type { Description, InspectJson, InspectOptions } from "./backbone/index.ts";
export * from "./library.ts";
export { saveTrained };

export interface OpenOptions
  extends OpenBytesOptions,
    Pick<FindModelOptions, "dtype">,
    Pick<NodeRuntimeOptions, "device" | "onNote"> {
  /** The app's own `onnxruntime-node`; default: the copy that came with graft. */
  readonly ort?: Ort;
}

/**
 * Open a backbone: find its hidden states.
 * @param source  `builtin:vit` (default), `hf:org/name[@revision]`, an ONNX file, a folder with one or with safetensors
 *                (and its tokenizer.json, preprocessor_config.json …), or a model's bytes
 * @throws GraftError UNKNOWN_MODEL, HUB_*, STATES_… (the model is no encoder graft knows), INPUT_UNSUPPORTED, BATCH_FIXED, and
 *         what reading a file throws
 */
export async function openBackbone(
  source: string | Uint8Array = "builtin:vit",
  options: OpenOptions = {},
): Promise<Backbone> {
  const { ort, dtype, device, onNote, ...rest } = options;
  const runtime = createNodeRuntime({ ort, device, onNote });
  if (typeof source !== "string") return openBytes(source, runtime, rest);
  const { signal, onProgress } = rest;
  const { graph, options: found } = await findModel(source, { dtype, signal, onProgress });
  return openGraph(graph, runtime, { ...found, ...rest });
}

export interface OpenTaskOptions extends GeneratedTaskOptions, DataOptions, Pick<ImageFolderOptions, "augment"> {
  /** The model that the examples are for: size of the pictures, tokens of the texts; default the embedded one's. */
  readonly backbone?: Pick<Backbone, "input" | "tokenizer">;
  /** Size of the pictures and how they are brought to it, where no backbone says it; default 32 × 32, covered. */
  readonly image?: ImageTarget;
  /** What the source is; default: data if it looks like a path (has a slash or a dot), else a generated task. */
  readonly from?: "generated" | "data";
}

/**
 * Open a task: a generated one by name; a folder `train/<class>/*.png|jpg|webp|…` (with `val/`, `test/` if there are); or
 * rows of a CSV, TSV, JSON, Parquet or CoNLL file, or of a folder of such by split.
 * @throws GraftError UNKNOWN_TASK, and what reading the data throws
 */
export async function openTask(source: string, options: OpenTaskOptions = {}): Promise<Task> {
  const { backbone, from = /[\\/.]/.test(source) ? "data" : "generated", ...rest } = options;
  const image: ImageTarget =
    backbone?.input.kind === "image" ? backbone.input : (options.image ?? { height: 32, width: 32 });
  const { height, width, resize } = image;
  const target = { height, width, resize };
  if (from === "data")
    return (await isImageFolder(source))
      ? openImageFolder(source, { ...rest, ...target })
      : openRowsTask(source, modelNeeds(backbone, target, options), rest);
  if (options.from === undefined && !taskNames.includes(source) && existsSync(source))
    throw new GraftError("UNKNOWN_TASK", {
      thing: `task "${source}"`,
      place: "no generated task has that name, and data is named by a path with a slash or a dot",
      remedy: `Write ./${source}`,
    });
  return resizeTask(openGeneratedTask(source, rest), target);
}

/** What rows are prepared for: texts for a model of texts, else pictures. */
function modelNeeds(
  backbone: OpenTaskOptions["backbone"],
  image: ImageTarget,
  { augment }: OpenTaskOptions,
): ModelNeeds {
  return backbone?.input.kind === "text" ? { tokenizer: backbone.tokenizer } : { image, augment };
}

/**
 * Find and describe the hidden states of any encoder, pictures or text.
 * @param source  as for `openBackbone`, bytes left out
 */
export async function inspectModel(
  source = "builtin:vit",
  options: InspectOptions & FindModelOptions = {},
): Promise<Description> {
  const { dtype, onProgress, ...rest } = options;
  const { graph, options: found } = await findModel(source, { dtype, signal: rest.signal, onProgress });
  return inspectGraph(graph, nodeRuntime, { name: found.name ?? source, onProgress, ...rest });
}

/**
 * Load what `saveTrained` (or `graft train --out`) wrote.
 * @param source  the backbone; default where the folder says it came from
 * @throws GraftError BACKBONE_MISMATCH if it is not the one they were trained on
 */
export async function openTrained(
  folder: string,
  source?: string | Backbone,
  options?: OpenOptions,
): Promise<TunedModel> {
  if (typeof source === "object") return loadTrained(folder, source);
  const { backbone: trained } = await readDescription(folder);
  const dtype = options?.dtype ?? trained.dtype;
  return loadTrained(folder, await openBackbone(source ?? trained.source, { ...options, dtype }));
}
