import type { Feature } from "./table.ts";

export type Features = Readonly<Record<string, Feature>>;

/** A named set of files in a data set's folder, as its README lists them. */
export interface Config {
  readonly name: string;
  readonly isDefault: boolean;
  /** Patterns of file paths by split, as the README spells both; empty where it names none. */
  readonly files: readonly { readonly split: string; readonly patterns: readonly string[] }[];
}

export interface Card {
  readonly configs: readonly Config[];
  /** Features by config; "default" where the README does not say. */
  readonly features: ReadonlyMap<string, Features>;
  /** Why it could not be read, where it could not. */
  readonly fault?: string;
}

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const asList = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? value : value === undefined || value === null ? [] : [value];

/** What the YAML at the head of a data set's README says; undefined where there is none. */
export async function readCard(markdown: string): Promise<Card | undefined> {
  const head = /^\uFEFF?---\r?\n([\s\S]*?)\r?\n---/.exec(markdown)?.[1];
  if (head === undefined) return undefined;
  const { parse } = await import("yaml"); // most data have no card
  let card: unknown;
  try {
    card = parse(head);
  } catch (cause) {
    return { configs: [], features: new Map(), fault: cause instanceof Error ? cause.message.split("\n")[0]! : "" };
  }
  if (!isObject(card)) return undefined;
  const features = new Map<string, Features>();
  for (const info of asList(card.dataset_info)) {
    if (!isObject(info)) continue;
    const found = featuresOfInfo(info);
    if (found) features.set(typeof info.config_name === "string" ? info.config_name : "default", found);
  }
  return { configs: asList(card.configs).flatMap(readConfig), features };
}

/** What the older `dataset_infos.json` says: features by config. */
export function readInfos(text: string): ReadonlyMap<string, Features> {
  const features = new Map<string, Features>();
  let infos: unknown;
  try {
    infos = JSON.parse(text);
  } catch {
    return features;
  }
  for (const [config, info] of Object.entries(isObject(infos) ? infos : {})) {
    const found = featuresOfInfo(info);
    if (found) features.set(config, found);
  }
  return features;
}

/** Features of one `info`, in either of the forms `datasets` writes: an object by column (JSON), or a list (YAML). */
export function featuresOfInfo(info: unknown): Features | undefined {
  const features = isObject(info) ? info.features : undefined;
  const columns: [string, unknown][] = isObject(features)
    ? Object.entries(features)
    : asList(features).flatMap((feature) => (isObject(feature) ? [[String(feature.name), feature]] : []));
  if (columns.length === 0) return undefined;
  return Object.fromEntries(columns.map(([name, feature]) => [name, readFeature(feature)]));
}

function readFeature(feature: unknown): Feature {
  if (Array.isArray(feature)) return readFeature(feature[0]);
  if (!isObject(feature)) return {};
  if (feature._type === "Image" || feature.dtype === "image") return { image: true };
  if (feature._type === "ClassLabel") return { classNames: namesIn(feature.names) };
  const { dtype } = feature;
  if (isObject(dtype) && isObject(dtype.class_label)) return { classNames: namesIn(dtype.class_label.names) };
  if (isObject(feature.class_label)) return { classNames: namesIn(feature.class_label.names) };
  // A list of labels: its inner feature counts. A list of pictures is no picture.
  const inner = feature.feature ?? feature.sequence ?? feature.list;
  const { classNames } = inner === undefined ? {} : readFeature(inner);
  return { classNames };
}

/** A list, or an object by index (`'0': neg`). */
function namesIn(names: unknown): readonly string[] | undefined {
  if (Array.isArray(names)) return names.map(String);
  if (!isObject(names)) return undefined;
  return Object.keys(names)
    .sort((a, b) => Number(a) - Number(b))
    .map((key) => String(names[key]));
}

function readConfig(config: unknown): Config[] {
  if (!isObject(config) || typeof config.config_name !== "string") return [];
  const files = asList(config.data_files).flatMap((entry) => {
    if (typeof entry === "string") return [{ split: "train", patterns: [entry] }];
    if (!isObject(entry) || entry.path === undefined) return [];
    return [{ split: String(entry.split ?? "train"), patterns: asList(entry.path).map(String) }];
  });
  return [{ name: config.config_name, isDefault: config.default === true, files }];
}
