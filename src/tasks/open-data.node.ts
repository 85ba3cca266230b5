import { readdir, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { openRecordStore } from "../base/index.node.ts";
import type { LongCall } from "../base/index.ts";
import { holdsTables, openDataset } from "../tables/index.node.ts";
import {
  type ColumnNames,
  type DatasetDescription,
  describeDataset,
  findColumns,
  type Labelled,
  type LabelledOptions,
  openLabelled,
} from "../tables/index.ts";
import type { Tokenizer } from "../text/index.ts";
import { decodeImage } from "./decode-image.node.ts";
import { type LabelledTask, openLabelledTask } from "./labelled-task.ts";
import type { ImageTarget } from "./resize.ts";
import type { Augmentation } from "./task.ts";

export interface DataOptions extends LongCall, Pick<LabelledOptions, "seed" | "skipUnreadable"> {
  /** What the columns mean, and what is to be learned; what is left out is guessed. */
  readonly columns?: ColumnNames;
}

/** What openLabelledTask needs of the model. */
export interface ModelNeeds {
  readonly image?: ImageTarget;
  readonly tokenizer?: Tokenizer;
  readonly augment?: Augmentation;
}

/**
 * Look at a data set of rows: a CSV, TSV, JSON, Parquet or CoNLL file, or a folder of such by split.
 * @throws GraftError DATA_*, UNKNOWN_COLUMN, NO_COLUMN, and those of `openLabelled`
 */
export async function openRows(path: string, options: DataOptions = {}): Promise<Labelled> {
  const { columns = {}, seed, skipUnreadable, signal } = options;
  const dataset = await openDataset(path);
  const found = await findColumns(dataset.splits.train, columns, signal);
  return openLabelled(dataset, found, { seed, skipUnreadable, signal });
}

/** What was understood of the data at a path, to be shown before anything is trained. */
export async function describeRows(path: string, options?: DataOptions): Promise<DatasetDescription> {
  return describeDataset(await openRows(path, options));
}

/** Open a data set of rows as a task for a model. Examples beyond 256 MB are kept in a temporary file. */
export async function openRowsTask(path: string, model: ModelNeeds, options: DataOptions = {}): Promise<LabelledTask> {
  const labelled = await openRows(path, options);
  const { image, tokenizer, augment } = model;
  return openLabelledTask(labelled, {
    name: basename(resolve(path)),
    title: `${labelled.columns.kind} on ${path}`,
    image,
    tokenizer,
    augment,
    decode: (picture, folder) =>
      decodeImage(typeof picture === "string" ? resolve(folder ?? ".", picture) : picture, image!),
    openStore: openRecordStore,
    signal: options.signal,
    onProgress: options.onProgress,
  });
}

/** Whether a path is a folder of images: `train/` with a folder for each class. */
export async function isImageFolder(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isDirectory()) return false;
  const entries = await readdir(join(path, "train"), { withFileTypes: true }).catch(() => undefined);
  // Empty folders too: the image folder's error says what belongs there.
  if (entries === undefined) return !(await holdsTables(path));
  return entries.length === 0 || entries.some((entry) => entry.isDirectory());
}
