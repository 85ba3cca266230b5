import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Backbone } from "../backbone/index.ts";
import { makeFolder, readFileChecked, writeFileAtomic } from "../base/index.node.ts";
import { writeModel } from "../graph/index.node.ts";
import type { CheckpointStore, Classifier } from "../training/index.ts";
import {
  ADAPTERS_JSON,
  ADAPTERS_TENSORS,
  type AdaptersDescription,
  decodeAdapters,
  encodeAdapters,
  parseAdaptersDescription,
} from "./adapters-file.ts";
import { exportModel } from "./export-model.ts";

/** The exported model's file name in the folder of a trained model. */
export const MODEL_FILE = "model.onnx";
const CHECKPOINT_FILE = "checkpoint.safetensors";

/** Write a trained classifier: `model.onnx` ready to run, and adapters and head alone beside it. */
export async function saveTrained(model: Classifier, folder: string): Promise<void> {
  await makeFolder(folder);
  const { json, safetensors } = encodeAdapters(model);
  await writeModel(exportModel(model), join(folder, MODEL_FILE));
  await writeFileAtomic(join(folder, ADAPTERS_TENSORS), safetensors);
  await writeFileAtomic(join(folder, ADAPTERS_JSON), json);
}

/** Whether a folder holds a trained model. */
export async function isTrainedFolder(folder: string): Promise<boolean> {
  return access(join(folder, ADAPTERS_JSON)).then(
    () => true,
    () => false,
  );
}

/** Read a folder's description: which backbone it needs. */
export async function readDescription(folder: string): Promise<AdaptersDescription> {
  const path = join(folder, ADAPTERS_JSON);
  return parseAdaptersDescription(new TextDecoder().decode(await readFileChecked(path)), path);
}

/** Load a folder's adapters and head onto their backbone. Throws BACKBONE_MISMATCH if it is another one. */
export async function loadTrained(folder: string, backbone: Backbone): Promise<Classifier> {
  const description = await readDescription(folder);
  return decodeAdapters(backbone, description, await readFileChecked(join(folder, ADAPTERS_TENSORS)));
}

/** A run's checkpoint as one file in its folder, replaced atomically. */
export function folderCheckpoint(folder: string): CheckpointStore {
  const path = join(folder, CHECKPOINT_FILE);
  return {
    async load() {
      return readFile(path).catch((cause: NodeJS.ErrnoException) => {
        if (cause.code === "ENOENT") return undefined;
        throw cause;
      });
    },
    async save(bytes) {
      await makeFolder(folder);
      await writeFileAtomic(path, bytes);
    },
  };
}
