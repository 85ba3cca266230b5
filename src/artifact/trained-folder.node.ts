import { access, rmdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Backbone } from "../backbone/index.ts";
import { makeFolder, readFileChecked, type StagedFile, stageFile, writeFileAtomic } from "../base/index.node.ts";
import { GraftError } from "../base/index.ts";
import { writeModel } from "../graph/index.node.ts";
import type { CheckpointStore, TunedModel } from "../training/index.ts";
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

/**
 * Write a trained classifier: `model.onnx` ready to run, and adapters and head alone beside it. The files belong
 * together: on a full disk the folder keeps what it had.
 * @throws GraftError FILE_*
 */
export async function saveTrained(model: TunedModel, folder: string): Promise<void> {
  await makeFolder(folder);
  const { json, safetensors } = encodeAdapters(model);
  const staged: StagedFile[] = [];
  try {
    staged.push(await stageFile(join(folder, ADAPTERS_TENSORS), safetensors));
    staged.push(await stageFile(join(folder, ADAPTERS_JSON), json));
    await writeModel(exportModel(model), join(folder, MODEL_FILE));
    for (const file of staged) await file.commit();
  } finally {
    for (const file of staged) await file.discard();
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
 * @throws GraftError FILE_*
 */
export async function claimFolder(folder: string): Promise<() => Promise<void>> {
  const found = await stat(folder).catch(() => undefined);
  await makeFolder(folder);
  const release = async () => {
    if (found === undefined) await rmdir(folder).catch(() => undefined);
  };
  try {
    const probe = await stageFile(join(folder, MODEL_FILE), new Uint8Array(1));
    await probe.discard();
  } catch (error) {
    await release();
    throw error;
  }
  return release;
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
export function folderCheckpoint(folder: string): CheckpointStore {
  const path = join(folder, CHECKPOINT_FILE);
  return {
    async load() {
      return readFileChecked(path).catch((cause) => {
        if (cause instanceof GraftError && cause.code === "FILE_MISSING") return undefined;
        throw cause;
      });
    },
    async save(bytes) {
      await makeFolder(folder);
      await writeFileAtomic(path, bytes);
    },
  };
}
