import { didYouMean, GraftError } from "../base/index.ts";

/** Transformers.js' name of each kind of ONNX file, and what it writes behind `model`; in the order graft prefers them. */
const SUFFIXES = {
  fp32: "",
  fp16: "_fp16",
  q8: "_quantized",
  int8: "_int8",
  uint8: "_uint8",
  q4: "_q4",
  q4f16: "_q4f16",
  bnb4: "_bnb4",
} as const;

export type OnnxDtype = keyof typeof SUFFIXES;

/** Names of the kinds of ONNX file, as Transformers.js has them; the first that exists is taken. */
export const ONNX_DTYPES = Object.keys(SUFFIXES) as readonly OnnxDtype[];

/** Where Transformers.js, then Optimum and sentence-transformers, put them. */
const FOLDERS = ["onnx/", ""];

export interface PickedOnnx {
  /** Path of the file, as listed. */
  readonly onnx: string;
  /** The files of external data that belong to it. */
  readonly data: readonly string[];
  /** One line for the user: what was taken, and what else there is. */
  readonly note: string;
}

/**
 * Pick a model's ONNX file: `onnx/model.onnx` where it exists, else the first of the other kinds; a model's only ONNX
 * file whatever it is called.
 * @param files            paths below the model's folder, `/` between the parts
 * @param options.variant  a kind (`fp32`, `fp16`, `q8`, …) or a file's own name or path; nothing else is taken then
 * @param options.place    what errors call the folder, e.g. `hf:org/name`
 * @returns                undefined if there is no ONNX file at all
 * @throws GraftError ONNX_VARIANT naming those that exist
 */
export function pickOnnx(
  files: readonly string[],
  { variant, place }: { readonly variant?: string; readonly place: string },
): PickedOnnx | undefined {
  const models = files.filter((file) => file.endsWith(".onnx")).sort();
  if (models.length === 0) return undefined;
  const onnx = variant === undefined ? anyOf(models) : named(models, variant);
  if (onnx === undefined) throw noSuch(models, variant, place);
  const others = models.filter((file) => file !== onnx).map(nameOf);
  const data = files
    .filter((file) => file.startsWith(onnx) && /^[._]data(_\d+)?$/.test(file.slice(onnx.length)))
    .sort();
  const note = `took ${label(onnx)}${others.length ? `; there are also ${others.join(", ")}` : ""}`;
  return { onnx, data, note };
}

function anyOf(models: readonly string[]): string | undefined {
  for (const dtype of ONNX_DTYPES) {
    const found = ofDtype(models, dtype);
    if (found !== undefined) return found;
  }
  return models.length === 1 ? models[0] : undefined;
}

function named(models: readonly string[], variant: string): string | undefined {
  if (isDtype(variant)) return ofDtype(models, variant);
  return FOLDERS.map((folder) => folder + variant).find((path) => models.includes(path));
}

const ofDtype = (models: readonly string[], dtype: OnnxDtype) =>
  FOLDERS.map((folder) => `${folder}model${SUFFIXES[dtype]}.onnx`).find((path) => models.includes(path));

const isDtype = (text: string): text is OnnxDtype => Object.hasOwn(SUFFIXES, text);

const dtypeOf = (file: string): OnnxDtype | undefined =>
  ONNX_DTYPES.find((dtype) => ofDtype([file], dtype) !== undefined);

/** What a user writes to get a file: its kind, or its path. */
const nameOf = (file: string): string => dtypeOf(file) ?? file;

function label(file: string): string {
  const dtype = dtypeOf(file);
  return dtype === undefined ? file : `${file} (${dtype})`;
}

function noSuch(models: readonly string[], variant: string | undefined, place: string): GraftError {
  const names = [...new Set(models.map(nameOf))];
  if (variant === undefined)
    return new GraftError("ONNX_VARIANT", {
      thing: place,
      place: `it has several ONNX files and none is called model.onnx: ${names.join(", ")}`,
      remedy: "Name one of them as the variant",
    });
  return new GraftError("ONNX_VARIANT", {
    thing: `variant "${variant}"`,
    place: `${place} has no such ONNX file`,
    remedy: `${didYouMean(variant, names)}There are ${names.join(", ")}`,
  });
}
