/** The package's entry in Node. */
import { readFile } from "node:fs/promises";
import { loadTrained, readDescription, saveTrained } from "./artifact/index.node.ts";
import { readBackbone } from "./backbone/index.node.ts";
import { type Backbone, type Description, type InspectOptions, inspectGraph, openGraph } from "./backbone/index.ts";
import type { LongCall } from "./base/index.ts";
import { decodeModel } from "./graph/index.ts";
import { builtinName, embeddedUrl, type OpenBytesOptions, openBytes } from "./open-source.ts";
import { createNodeRuntime, nodeRuntime } from "./runtime/index.node.ts";
import type { Ort } from "./runtime/index.ts";
import { type ImageFolderOptions, openImageFolder } from "./tasks/index.node.ts";
import { type GeneratedTaskOptions, type ImageSize, openGeneratedTask, resizeTask, type Task } from "./tasks/index.ts";
import type { TunedModel } from "./training/index.ts";

export { folderCheckpoint } from "./artifact/index.node.ts";
export type { Description, InspectJson, InspectOptions } from "./backbone/index.ts";
export * from "./library.ts";
export { saveTrained };

export interface OpenOptions extends OpenBytesOptions {
  /** The app's own `onnxruntime-node`; default: the copy that came with graft. */
  readonly ort?: Ort;
}

/**
 * Open a backbone: find its hidden states.
 * @param source  `builtin:vit` (default), an ONNX file, a folder with one (and perhaps a `preprocessor_config.json`),
 *                or a model's bytes
 * @throws GraftError UNKNOWN_MODEL, STATES_… (the model is no encoder graft knows), INPUT_UNSUPPORTED, BATCH_FIXED, and what
 *         reading a file throws
 */
export async function openBackbone(
  source: string | Uint8Array = "builtin:vit",
  options: OpenOptions = {},
): Promise<Backbone> {
  const { ort, ...rest } = options;
  const runtime = ort ? createNodeRuntime(ort) : nodeRuntime;
  if (typeof source !== "string") return openBytes(source, runtime, rest);
  const builtin = builtinName(source);
  if (builtin !== undefined)
    return openBytes(await readFile(embeddedUrl(builtin)), runtime, { name: builtin, source, ...rest });
  const { graph, options: found } = await readBackbone(source);
  return openGraph(graph, runtime, { ...found, ...rest });
}

export interface OpenTaskOptions extends GeneratedTaskOptions, LongCall, Pick<ImageFolderOptions, "augment"> {
  /** The model that the examples are for: size of the pictures, tokens of the texts; default the embedded one's. */
  readonly backbone?: Pick<Backbone, "input">;
  /** Size of the pictures, where no backbone says it; default 32 × 32. */
  readonly image?: ImageSize;
  /** What the source is; default: a folder if it looks like a path (has a slash or a dot), else a generated task. */
  readonly from?: "generated" | "folder";
}

/**
 * Open a task: a generated one by name, or a folder `train/<class>/*.png|jpg|webp` (with `val/`, `test/` if there are).
 * @throws GraftError UNKNOWN_TASK, and what reading a folder throws
 */
export async function openTask(source: string, options: OpenTaskOptions = {}): Promise<Task> {
  const { backbone, from = /[\\/.]/.test(source) ? "folder" : "generated", ...rest } = options;
  const image = backbone?.input.kind === "image" ? backbone.input : (options.image ?? { height: 32, width: 32 });
  const { height, width } = image;
  if (from === "folder") return openImageFolder(source, { ...rest, height, width });
  return resizeTask(openGeneratedTask(source, rest), { height, width });
}

/**
 * Find and describe the hidden states of any encoder, pictures or text.
 * @param source  as for `openBackbone`, bytes left out
 */
export async function inspectModel(source = "builtin:vit", options: InspectOptions = {}): Promise<Description> {
  const builtin = builtinName(source);
  const { graph, name } =
    builtin === undefined
      ? await readBackbone(source).then((read) => ({ graph: read.graph, name: read.options.name ?? source }))
      : { graph: decodeModel(await readFile(embeddedUrl(builtin)), { name: builtin }), name: builtin };
  return inspectGraph(graph, nodeRuntime, { name, ...options });
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
  const backbone = source ?? (await readDescription(folder)).backbone.source;
  return loadTrained(folder, await openBackbone(backbone, options));
}
