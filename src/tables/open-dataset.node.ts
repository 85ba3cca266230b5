import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { GraftError } from "../base/index.ts";
import { chooseFiles, listFiles, splitOf, tableFiles } from "./data-files.node.ts";
import { type Card, type Features, readCard, readInfos } from "./features.ts";
import { fileSource, statData } from "./file-source.node.ts";
import { openTable, type TableOptions } from "./open-table.ts";
import { type Dataset, listed, type SplitName, type Table } from "./table.ts";

export interface DatasetOptions extends TableOptions {
  /** File of the validation split, where `path` is a file. */
  readonly validation?: string;
  /** File of the test split, where `path` is a file. */
  readonly test?: string;
  /** Which configuration of a data set's folder, where it has several. */
  readonly config?: string;
}

/**
 * Open labelled rows: one file (all of it for training, unless `validation` and `test` name others), or a folder as
 * Hugging Face's `datasets` has them: files by split (`data/train-00000-of-00001.parquet`, `test.csv`,
 * `dev/part1.jsonl`), class names and pictures described in README.md, dataset_infos.json or the Parquet files. Only
 * headers are read here.
 * @throws GraftError FILE_*, NO_DATA, UNKNOWN_FORMAT, MIXED_FORMATS, MANY_CONFIGS, UNKNOWN_CONFIG, DATA_*
 */
export async function openDataset(path: string, options: DatasetOptions = {}): Promise<Dataset> {
  const found = await statData(path);
  if (found.isDirectory()) return openFolder(path, options);
  const open = async (file: string | undefined) =>
    file === undefined ? undefined : openTable(await fileSource(file), options);
  const train = (await open(path))!;
  const [validation, test] = [await open(options.validation), await open(options.test)];
  const splits = { train, validation, test };
  return { splits, notes: [...notesOf(splits), ...(await siblingNotes(path, options))] };
}

/** Whether a folder holds tables (or only, say, pictures). */
export async function holdsTables(folder: string): Promise<boolean> {
  return tableFiles(await listFiles(folder)).length > 0;
}

async function openFolder(path: string, options: DatasetOptions): Promise<Dataset> {
  const all = await listFiles(path);
  const readText = async (name: string) => (all.includes(name) ? readFile(join(path, name), "utf8") : "");
  const card = await readCard(await readText("README.md"));
  const chosen = chooseFiles(path, all, card, options.config);
  const features = featuresFor(chosen.config, card, readInfos(await readText("dataset_infos.json")));
  const open = async (split: SplitName) => {
    const tables: Table[] = [];
    for (const file of chosen.files[split])
      tables.push(await openTable(await fileSource(join(path, file), file), options));
    return tables.length === 0 ? undefined : withFeatures(oneAfterAnother(split, tables), features);
  };
  const splits = { train: (await open("train"))!, validation: await open("validation"), test: await open("test") };
  const cardNotes = card?.fault ? [`README.md: the YAML at its head is not read (${card.fault})`] : [];
  return { splits, notes: [...cardNotes, ...chosen.notes, ...notesOf(splits)] };
}

function featuresFor(
  config: string | undefined,
  card: Card | undefined,
  infos: ReadonlyMap<string, Features>,
): Features | undefined {
  for (const source of [card?.features, infos]) {
    if (source === undefined || source.size === 0) continue;
    const only = source.size === 1 ? [...source.values()][0] : undefined;
    const found = (config === undefined ? undefined : source.get(config)) ?? source.get("default") ?? only;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What a Parquet file says about its columns, completed by what the folder's README says. */
function withFeatures(table: Table, features: Features | undefined): Table {
  if (features === undefined) return table;
  const own = table.features ?? {};
  const names = [...new Set([...Object.keys(features), ...Object.keys(own)])];
  const merged = names.map((name) => {
    const [said, written] = [features[name] ?? {}, own[name] ?? {}];
    return [name, { classNames: written.classNames ?? said.classNames, image: written.image ?? said.image }];
  });
  return { ...table, features: Object.fromEntries(merged) as Features };
}

/** Several files as one table; all have the same columns, but for JSON, where keys may be missing. */
function oneAfterAnother(name: string, tables: readonly Table[]): Table {
  const [first] = tables as [Table, ...Table[]];
  if (tables.length === 1) return first;
  const columns = [...new Set(tables.flatMap((table) => table.columns))];
  const isJson = first.format.startsWith("json");
  const odd = isJson ? undefined : tables.find((table) => !sameNames(table.columns, first.columns));
  if (odd !== undefined) {
    throw new GraftError("DATA_COLUMNS", {
      thing: odd.name,
      place: `its columns (${listed(odd.columns)}) are not those of ${first.name} (${listed(first.columns)})`,
      remedy: "Give a file or folder whose files belong together",
    });
  }
  return {
    ...first,
    name,
    columns,
    notes: tables.flatMap((table) => table.notes ?? []),
    async *rows(signal) {
      for (const table of tables) yield* table.rows(signal);
    },
  };
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name) => b.includes(name));
}

function notesOf(splits: Dataset["splits"]): string[] {
  return [splits.train, splits.validation, splits.test].flatMap((table) => table?.notes ?? []);
}

/** `train.csv` beside a `test.csv`: whoever gives the file may mean the folder. */
async function siblingNotes(path: string, options: DatasetOptions): Promise<string[]> {
  if (splitOf(basename(path)) !== "train" || options.validation !== undefined || options.test !== undefined) return [];
  const beside = tableFiles(await listFiles(dirname(path), 0)).filter((file) => (splitOf(file) ?? "train") !== "train");
  return beside.length === 0 ? [] : [`${listed(beside, 5)} beside it is not read; give the folder to use it`];
}
