import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileError } from "../base/index.node.ts";
import { didYouMean, GraftError } from "../base/index.ts";
import type { Card, Config } from "./features.ts";
import { formatOf } from "./open-table.ts";
import { listed, type SplitName, splitNames } from "./table.ts";

/** Files of each split, below the folder, in code-unit order. */
export interface DataFiles {
  readonly config: string | undefined;
  readonly files: Readonly<Record<SplitName, readonly string[]>>;
  readonly notes: readonly string[];
}

/** What a split's files and folders are called, as Hugging Face's `datasets` has it. */
const keywords: Readonly<Record<SplitName, readonly string[]>> = {
  train: ["train", "training"],
  validation: ["validation", "valid", "dev", "val"],
  test: ["test", "testing", "eval", "evaluation"],
};

/** JSON files that describe a data set or a model and hold no rows. */
const descriptions = /^(dataset_infos?|dataset_dict|state|config|package(-lock)?|tokenizer(_config)?|metadata)\.json$/i;
const pictures = /\.(png|jpe?g|webp|gif|bmp|tiff?)$/i;
const DEPTH = 4;

/** Every file below a folder by relative path with `/`, hidden ones left out, in code-unit order. */
export async function listFiles(folder: string, depth = DEPTH): Promise<string[]> {
  let entries: Awaited<ReturnType<typeof readEntries>>;
  try {
    entries = await readEntries(folder);
  } catch (cause) {
    throw fileError(cause, folder, "read");
  }
  const files: string[] = [];
  for (const entry of entries) {
    if (entry.name.startsWith(".")) continue;
    if (!entry.isDirectory()) files.push(entry.name);
    else if (depth > 0)
      files.push(...(await listFiles(join(folder, entry.name), depth - 1)).map((file) => `${entry.name}/${file}`));
  }
  return files.sort();
}

const readEntries = (folder: string) => readdir(folder, { withFileTypes: true });

/** Those of a folder's files that hold rows. */
export function tableFiles(files: readonly string[]): string[] {
  return files.filter((file) => formatOf(file) !== undefined && !descriptions.test(baseName(file)));
}

/**
 * Which files of a folder belong to which split: as its README says, else by the names of files and folders.
 * @throws GraftError NO_DATA, UNKNOWN_CONFIG, MANY_CONFIGS, MIXED_FORMATS
 */
export function chooseFiles(
  path: string,
  all: readonly string[],
  card: Card | undefined,
  wanted: string | undefined,
): DataFiles {
  const rows = tableFiles(all);
  if (rows.length === 0) throw noTables(path, all);
  const listedConfigs = card?.configs.filter(({ files }) => files.length > 0) ?? [];
  const config = chooseConfig(path, rows, listedConfigs, wanted);
  const chosen = typeof config === "object" ? byPatterns(rows, config) : byNames(rows, config);
  if (chosen.files.train.length === 0) {
    const others = splitNames.flatMap((split) => chosen.files[split]);
    throw new GraftError("NO_DATA", {
      thing: `folder ${path}`,
      place:
        others.length > 0 ? `it has no training file, only ${listed(others, 5)}` : "its README names no file in it",
      remedy: "Call the training file train.csv (or .jsonl, .parquet, …), or give the path of one file",
    });
  }
  for (const split of splitNames) checkOneFormat(path, split, chosen.files[split]);
  const folders = [
    ...new Set(chosen.files.train.map((file) => file.slice(0, Math.max(0, file.lastIndexOf("/"))) || ".")),
  ];
  if (folders.length > 1)
    chosen.notes.push(`training files come from ${folders.length} folders: ${listed(folders, 5)}`);
  return { ...chosen, config: typeof config === "object" ? config.name : config };
}

/** A config of the README, the name of a folder that serves as one, or undefined where there is nothing to choose. */
function chooseConfig(
  path: string,
  rows: readonly string[],
  configs: readonly Config[],
  wanted: string | undefined,
): Config | string | undefined {
  const folders = [...new Set(rows.flatMap((file) => (file.includes("/") ? [file.split("/")[0]!] : [])))];
  if (wanted !== undefined) {
    const found = configs.find(({ name }) => name === wanted) ?? folders.find((name) => name === wanted);
    if (found !== undefined) return found;
    const names = configs.length > 0 ? configs.map(({ name }) => name) : folders;
    throw new GraftError("UNKNOWN_CONFIG", {
      thing: `configuration "${wanted}"`,
      place: `folder ${path} has no such one`,
      remedy: `${didYouMean(wanted, names)}It has ${names.length > 0 ? listed(names) : "none"}`,
    });
  }
  const only = configs.length === 1 ? configs[0] : undefined;
  const found = only ?? configs.find(({ isDefault }) => isDefault) ?? configs.find(({ name }) => name === "default");
  if (found !== undefined || configs.length === 0) return found;
  throw new GraftError("MANY_CONFIGS", {
    thing: `folder ${path}`,
    place: `its README lists ${configs.length} configurations`,
    remedy: `Choose one: ${listed(configs.map(({ name }) => name))}`,
  });
}

interface Chosen {
  readonly files: Record<SplitName, string[]>;
  readonly notes: string[];
}

function byPatterns(rows: readonly string[], config: Config): Chosen {
  const files: Record<SplitName, string[]> = { train: [], validation: [], test: [] };
  const notes: string[] = [];
  for (const { split, patterns } of config.files) {
    const name = splitNames.find((each) => keywords[each].includes(split.toLowerCase()));
    const tests = patterns.map(globPattern);
    const found = rows.filter((file) => tests.some((test) => test.test(file)));
    if (name !== undefined) files[name].push(...found);
    else notes.push(`split "${split}" is not used: it is neither train, validation nor test`);
  }
  return { files, notes };
}

function byNames(rows: readonly string[], folder: string | undefined): Chosen {
  const files: Record<SplitName, string[]> = { train: [], validation: [], test: [] };
  const candidates = folder === undefined ? rows : rows.filter((file) => file.startsWith(`${folder}/`));
  const unnamed: string[] = [];
  for (const file of candidates) {
    const split = splitOf(file);
    (split === undefined ? unnamed : files[split]).push(file);
  }
  const isNamed = splitNames.some((split) => files[split].length > 0);
  if (!isNamed) return { files: { ...files, train: unnamed }, notes: [] };
  return {
    files,
    notes: unnamed.map((file) => `${file} is not read: neither its name nor its folder's names a split`),
  };
}

/** The split a path names: in the file's name first, then in its folders', the nearest first. */
export function splitOf(file: string): SplitName | undefined {
  for (const part of file.split("/").reverse()) {
    const words = part.toLowerCase().split(/[^a-z]+/);
    const split = splitNames.find((name) => keywords[name].some((keyword) => words.includes(keyword)));
    if (split !== undefined) return split;
  }
  return undefined;
}

/** `*` within a folder, `**` across folders, `?` one character, `{a,b}` alternatives. */
function globPattern(glob: string): RegExp {
  const source = glob.replace(/^\.\//, "").replace(/\*\*\/?|[*?{},]|[^\w\s/]/g, (part) => {
    if (part.startsWith("**")) return part.endsWith("/") ? "(?:.*/)?" : ".*";
    const meanings: Record<string, string> = { "*": "[^/]*", "?": "[^/]", "{": "(?:", "}": ")", ",": "|" };
    return meanings[part] ?? `\\${part}`;
  });
  return new RegExp(`^(?:${source})$`);
}

function checkOneFormat(path: string, split: SplitName, files: readonly string[]): void {
  const formats = new Map(files.map((file) => [formatOf(file), file]));
  if (formats.size <= 1) return;
  throw new GraftError("MIXED_FORMATS", {
    thing: `folder ${path}`,
    place: `its ${split} files are of several formats: ${listed([...formats.values()], 5)}`,
    remedy: "Keep those of one format, or give the path of one file",
  });
}

function noTables(path: string, all: readonly string[]): GraftError {
  const found = (pattern: RegExp) => all.some((file) => pattern.test(file));
  let [place, remedy] = ["it holds no .csv, .tsv, .jsonl, .json, .parquet or .conll file", "Check the path"];
  if (all.length === 0) place = "it is empty";
  else if (found(/\.arrow$/)) {
    place = "it holds .arrow files, as `save_to_disk` writes them";
    remedy = "Write it as Parquet: `dataset.to_parquet(…)` in Python's datasets";
  } else if (found(pictures)) {
    place = "it holds pictures and no table";
    remedy = "Put the pictures under train/<class>/ and give the folder above, or add a table with their paths";
  }
  return new GraftError("NO_DATA", { thing: `folder ${path}`, place, remedy });
}

function baseName(file: string): string {
  return file.slice(file.lastIndexOf("/") + 1);
}
