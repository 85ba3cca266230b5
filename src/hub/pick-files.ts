import { GraftError } from "../base/index.ts";
import { pickOnnx } from "./pick-onnx.ts";

/** Which files of a model's folder graft needs. */
export interface PickedFiles {
  /** The ONNX file; undefined if the model is to be authored from its safetensors. */
  readonly onnx: string | undefined;
  /** Everything that holds weights: the ONNX file and its external data, or the safetensors with their index. */
  readonly weights: readonly string[];
  /** Small files beside them: configuration, tokenizer, preprocessing, pooling. */
  readonly settings: readonly string[];
  readonly notes: readonly string[];
}

const SETTINGS = [
  "config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "preprocessor_config.json",
  "processor_config.json",
  // How sentence-transformers pools.
  "modules.json",
  "sentence_bert_config.json",
  "config_sentence_transformers.json",
  "1_Pooling/config.json",
];

const INDEX = "model.safetensors.index.json";

/**
 * Pick what graft needs of a model: one ONNX file, or safetensors where there is none, and the settings beside it.
 * @param files    paths below the model's folder, `/` between the parts
 * @param options  as for `pickOnnx`
 * @throws GraftError ONNX_VARIANT, MODEL_NOT_FOUND
 */
export function pickFiles(
  files: readonly string[],
  options: { readonly variant?: string; readonly place: string },
): PickedFiles {
  const settings = SETTINGS.filter((file) => files.includes(file));
  // Only a tokenizer of the old form needs its word list.
  if (!files.includes("tokenizer.json") && files.includes("vocab.txt")) settings.push("vocab.txt");
  const picked = pickOnnx(files, options);
  if (picked) return { onnx: picked.onnx, weights: [picked.onnx, ...picked.data], settings, notes: [picked.note] };
  const weights = safetensorsOf(files);
  if (weights.length === 0 || !files.includes("config.json")) throw nothing(files, options.place);
  if (options.variant !== undefined && options.variant !== "fp32")
    throw new GraftError("ONNX_VARIANT", {
      thing: `variant "${options.variant}"`,
      place: `${options.place} has no ONNX file`,
      remedy: "Leave the variant out: its safetensors are read instead",
    });
  const note = `there is no ONNX file: the model is built from ${weights.length > 1 ? INDEX : weights[0]}`;
  return { onnx: undefined, weights, settings, notes: [note] };
}

function safetensorsOf(files: readonly string[]): readonly string[] {
  if (files.includes("model.safetensors")) return ["model.safetensors"];
  if (!files.includes(INDEX)) return [];
  return [INDEX, ...files.filter((file) => /^model-\d+-of-\d+\.safetensors$/.test(file)).sort()];
}

function nothing(files: readonly string[], place: string): GraftError {
  const other = files.find((file) => /\.(bin|pt|pth|ckpt|h5|msgpack|gguf|safetensors)$/.test(file));
  return new GraftError("MODEL_NOT_FOUND", {
    thing: place,
    place: other
      ? `its weights are in ${other} only; graft reads ONNX, and model.safetensors with a config.json`
      : "it holds neither onnx/model.onnx nor model.onnx, nor model.safetensors with a config.json",
    remedy: "Name a model with such files (on the Hugging Face hub: those of Xenova or onnx-community), or export it",
  });
}
