import { access, realpath, rm, rmdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Backbone } from "../backbone/index.ts";
import { makeFolder, readFileChecked, type StagedFile, stageFile, writeFileAtomic } from "../base/index.node.ts";
import { GraftError } from "../base/index.ts";
import { writeModel } from "../graph/index.node.ts";
import { type Graph, tensorBytes } from "../graph/index.ts";
import type { CheckpointStore, TunedModel } from "../training/index.ts";
import {
  ADAPTERS_JSON,
  ADAPTERS_TENSORS,
  type AdaptersDescription,
  decodeAdapters,
  encodeAdapters,
  parseAdaptersDescription,
} from "./adapters-file.ts";
import { modelCard, PICTURE_FILE, type TrainingInfo } from "./model-card.ts";
import { OWN_FILES, type OwnFiles, pipelineFiles, SENTENCE_FILES } from "./pipeline-files.ts";
import { pipelineGraph } from "./pipeline-graph.ts";
import { type ExportDtype, quantizeExport } from "./quantize-export.ts";

/** The exported model's file in the folder of a trained model, where Transformers.js looks for it. */
export const MODEL_FILE = "onnx/model.onnx";
/** The same with int8 weights. */
const QUANTIZED_FILE = "onnx/model_quantized.onnx";
const CARD_FILE = "README.md";
const CHECKPOINT_FILE = "checkpoint.safetensors";

/**
 * Write a trained model as a folder that `pipeline()` of Transformers.js loads: `onnx/model.onnx`, `config.json`, the
 * tokenizer's files or `preprocessor_config.json`, of embeddings what sentence-transformers reads, a `README.md` that says
 * how to use it, and adapters and head alone (`adapters.json`, `adapters.safetensors`). The files belong together: on a
 * full disk the folder keeps what it had. What an earlier training of another kind left of such files is removed.
 * @param info   what the model does not know itself, for the card
 * @param dtype  `q8` writes `onnx/model_quantized.onnx` besides, and Transformers.js takes that; default `fp32`
 * @throws GraftError OUT_IS_BACKBONE if the folder is the backbone's own; NOTHING_TO_QUANTIZE; FILE_*
 */
export async function saveTrained(
  model: TunedModel,
  folder: string,
  info?: TrainingInfo,
  dtype: ExportDtype = "fp32",
): Promise<void> {
  await keepBackbone(model.backbone, folder);
  const graphs = new Map([[MODEL_FILE, pipelineGraph(model)]]);
  if (dtype === "q8") graphs.set(QUANTIZED_FILE, pipelineGraph(quantizeExport(model)));
  const big = [...graphs].filter(([, graph]) => weightBytes(graph) > INLINE_WEIGHTS).map(([path]) => path);
  const { json, safetensors } = encodeAdapters(model, info);
  const files: ReadonlyMap<string, string | Uint8Array> = new Map<string, string | Uint8Array>([
    ...pipelineFiles(model, await ownFiles(model.backbone), { dtype, big: big.map((path) => basename(path)) }),
    [CARD_FILE, modelCard(model, folder, info, dtype)],
    ...(info?.picture === undefined ? [] : ([[PICTURE_FILE, info.picture]] as const)),
    [ADAPTERS_TENSORS, safetensors],
    [ADAPTERS_JSON, json], // last: with it the folder counts as trained
  ]);
  const made: string[] = [];
  const staged: StagedFile[] = [];
  try {
    for (const path of [...graphs.keys(), ...files.keys()]) made.push(...(await makeFolderOf(join(folder, path))));
    for (const [path, content] of files) staged.push(await stageFile(join(folder, path), content));
    for (const [path, graph] of graphs)
      await writeModel(graph, join(folder, path), { external: big.includes(path), location: basename(dataOf(path)) });
    for (const file of staged) await file.commit();
  } finally {
    for (const file of staged) await file.discard();
    // Those without a file: the model could not be written.
    for (const path of made.reverse()) await rmdir(path).catch(() => undefined);
  }
  const written = new Set([...graphs.keys(), ...files.keys(), ...big.map(dataOf)]);
  for (const path of PIPELINE_FILES) if (!written.has(path)) await rm(join(folder, path), { force: true });
}

/** Weights of more bytes lie beside the model, in files that Transformers.js finds. */
const INLINE_WEIGHTS = 1.5e9;

const dataOf = (path: string) => `${path}_data`;

const weightBytes = ({ initializers }: Graph): number =>
  [...initializers.values()].reduce((sum, tensor) => sum + tensorBytes(tensor), 0);

/** Everything a training can leave that Transformers.js or sentence-transformers would read, or people look at. */
const PIPELINE_FILES = [
  MODEL_FILE,
  dataOf(MODEL_FILE),
  QUANTIZED_FILE,
  dataOf(QUANTIZED_FILE),
  ...Object.values(OWN_FILES),
  "preprocessor_config.json",
  ...SENTENCE_FILES,
  PICTURE_FILE,
];

/** Bytes of the exported model in a trained folder, with weights that lie beside it. */
export async function modelBytes(folder: string, dtype: ExportDtype): Promise<number> {
  const path = dtype === "q8" ? QUANTIZED_FILE : MODEL_FILE;
  const sizes = [path, dataOf(path)].map((each) =>
    stat(join(folder, each)).then(
      ({ size }) => size,
      () => 0,
    ),
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** Returns the folder if it was made here. */
async function makeFolderOf(path: string): Promise<readonly string[]> {
  const folder = dirname(path);
  const found = await stat(folder).catch(() => undefined);
  await makeFolder(folder);
  return found === undefined ? [folder] : [];
}

/** What of a backbone's folder goes along; nothing where it has none. */
async function ownFiles({ folder, input }: Backbone): Promise<OwnFiles> {
  const own: { -readonly [K in keyof OwnFiles]: OwnFiles[K] } = {};
  if (folder === undefined) return own;
  for (const [key, name] of Object.entries(OWN_FILES)) {
    if (input.kind === "image" && key !== "config") continue;
    const found = await stat(join(folder, name)).catch(() => undefined);
    if (found?.isFile()) own[key as keyof OwnFiles] = await readFileChecked(join(folder, name));
  }
  return own;
}

/**
 * See that a training does not write over the frozen model it needs.
 * @throws GraftError OUT_IS_BACKBONE
 */
export async function keepBackbone({ folder: own, source, name }: Backbone, folder: string): Promise<void> {
  const real = (path: string) => realpath(path).catch(() => undefined);
  const target = await real(folder);
  if (target === undefined) return;
  for (const path of [own, source]) {
    const found = path === undefined ? undefined : await real(path);
    if (found !== target && found !== (await real(join(folder, MODEL_FILE)))) continue;
    if (found === undefined) continue;
    throw new GraftError("OUT_IS_BACKBONE", {
      thing: `folder ${folder}`,
      place: `it holds the frozen model "${name}" that the adapters are for`,
      remedy: "Give another --out",
    });
  }
}

/** What a folder holds of a training: its result, or the checkpoint of one that has not ended. */
export async function trainingIn(folder: string): Promise<"trained" | "interrupted" | "nothing"> {
  const has = (file: string) =>
    access(join(folder, file)).then(
      () => true,
      () => false,
    );
  if (await has(ADAPTERS_JSON)) return "trained";
  return (await has(CHECKPOINT_FILE)) ? "interrupted" : "nothing";
}

/**
 * Make a folder and see that files can be written in it, before hours of work rely on that.
 * @returns what removes it again, if it was made here and is still empty
 * @throws GraftError FILE_*, OUT_EXISTS for a folder with files of those names that are not of a training
 */
export async function claimFolder(folder: string): Promise<() => Promise<void>> {
  const found = await stat(folder).catch(() => undefined);
  await makeFolder(folder);
  const release = async () => {
    if (found === undefined) await rmdir(folder).catch(() => undefined);
  };
  if ((await trainingIn(folder)) === "nothing") await keepOthers(folder);
  try {
    const probe = await stageFile(join(folder, ADAPTERS_JSON), new Uint8Array(1));
    await probe.discard();
  } catch (error) {
    await release();
    throw error;
  }
  return release;
}

async function keepOthers(folder: string): Promise<void> {
  for (const name of [CARD_FILE, ...PIPELINE_FILES]) {
    const found = await stat(join(folder, name)).catch(() => undefined);
    if (found === undefined) continue;
    throw new GraftError("OUT_EXISTS", {
      thing: `folder ${folder}`,
      place: `it holds a ${name} that is not of a training, and would be replaced`,
      remedy: "Give another --out",
    });
  }
}

/**
 * Read a folder's description: which backbone it needs.
 * @throws GraftError NOT_TRAINED, ADAPTERS_JSON, FILE_*
 */
export async function readDescription(folder: string): Promise<AdaptersDescription> {
  const path = join(folder, ADAPTERS_JSON);
  const found = await stat(folder).catch(() => undefined);
  const training = await trainingIn(folder);
  if (training !== "trained") {
    const interrupted = training === "interrupted";
    throw new GraftError("NOT_TRAINED", {
      thing: `${found?.isFile() ? "file" : "folder"} ${folder}`,
      place:
        found === undefined
          ? "there is no such folder"
          : found.isFile()
            ? "it is a file, not the folder of a trained model"
            : interrupted
              ? "its training has not ended: it holds a checkpoint and no model"
              : `it holds no trained model (no ${ADAPTERS_JSON})`,
      remedy: interrupted
        ? "Repeat its `graft train` with --resume"
        : "Name the folder that `graft train --out` wrote: --model DIR",
    });
  }
  return parseAdaptersDescription(new TextDecoder().decode(await readFileChecked(path)), path);
}

/** Load a folder's adapters and head onto their backbone. Throws BACKBONE_MISMATCH if it is another one. */
export async function loadTrained(folder: string, backbone: Backbone): Promise<TunedModel> {
  const description = await readDescription(folder);
  return decodeAdapters(backbone, description, await readFileChecked(join(folder, ADAPTERS_TENSORS)));
}

/** A run's checkpoint as one file in its folder, replaced atomically. */
export const folderCheckpoint = (folder: string): CheckpointStore => fileCheckpoint(join(folder, CHECKPOINT_FILE));

/** A checkpoint as a file, replaced atomically; its folder is made when it is missing. */
export function fileCheckpoint(path: string): CheckpointStore {
  return {
    async load() {
      return readFileChecked(path).catch((cause) => {
        if (cause instanceof GraftError && cause.code === "FILE_MISSING") return undefined;
        throw cause;
      });
    },
    async save(bytes) {
      await makeFolder(dirname(path));
      await writeFileAtomic(path, bytes);
    },
  };
}
