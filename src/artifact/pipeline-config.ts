import type { Backbone, ImageInput } from "../backbone/index.ts";
import type { Pooling } from "../objective/index.ts";
import { type Goal, outputNames } from "../tasks/index.ts";
import type { TunedModel } from "../training/index.ts";
import { pipelineType } from "./pipeline-types.ts";
import type { ExportDtype } from "./quantize-export.ts";

/** A JSON file's content. */
export type Json = Readonly<Record<string, unknown>>;

/** Keys of a backbone's own `config.json` that say how its own files are loaded. */
const LOADING = new Set(["transformers.js_config", "quantization_config", "auto_map", "problem_type"]);
const LABELS = new Set(["id2label", "label2id", "num_labels"]);

const PROBLEM_TYPES: Partial<Record<Goal["kind"], string>> = {
  classify: "single_label_classification",
  multi_label: "multi_label_classification",
  regress: "regression",
};

/** Which file Transformers.js takes. */
export interface Loading {
  readonly dtype: ExportDtype;
  /** Names of ONNX files whose weights lie beside them. */
  readonly big: readonly string[];
}

/**
 * `config.json` of a trained model for Transformers.js: the backbone's own keys where it has them, with the goal's names
 * and problem type, a type and class it knows, and the dtype to load (on WASM it takes the quantised file unless told).
 * @param own  the backbone's `config.json`
 */
export function pipelineConfig(
  { backbone, spec: { goal } }: TunedModel,
  own: Json | undefined,
  { dtype, big }: Loading,
): Json {
  const { modelType, architecture } = pipelineType(backbone.input.kind, goal, own?.model_type);
  const kept = Object.entries(own ?? sizes(backbone)).filter(([key]) => !LOADING.has(key) && !LABELS.has(key));
  const names = outputNames(goal);
  return {
    ...Object.fromEntries(kept),
    architectures: [architecture],
    model_type: modelType,
    ...(names.length > 0 && {
      id2label: Object.fromEntries(names.map((name, k) => [k, name])),
      label2id: Object.fromEntries(names.map((name, k) => [name, k])),
      num_labels: names.length,
    }),
    ...(PROBLEM_TYPES[goal.kind] && { problem_type: PROBLEM_TYPES[goal.kind] }),
    "transformers.js_config": {
      dtype,
      ...(big.length > 0 && { use_external_data_format: Object.fromEntries(big.map((file) => [file, true])) }),
    },
  };
}

/** What is known of a model that came without a `config.json`. */
function sizes({ hiddenSize, blocks, input, graph }: Backbone): Json {
  const common = { hidden_size: hiddenSize, num_hidden_layers: blocks };
  if (input.kind === "text") return common;
  const patch = patchSize(input, graph.initializers.get("embeddings.patch.weight")?.shape[0]);
  return { ...common, image_size: input.height, num_channels: 3, ...(patch && { patch_size: patch }) };
}

/** Of the embedded vision transformer, whose patches are rows of 3 · side² numbers. */
function patchSize({ height }: ImageInput, rowSize: number | undefined): number | undefined {
  const side = Math.sqrt((rowSize ?? 0) / 3);
  return side > 0 && Number.isInteger(side) && height % side === 0 ? side : undefined;
}

/** What sentence-transformers reads of an embedding model: how tokens are pooled, and that vectors have length 1. */
export function sentenceFiles({ hiddenSize, pooling, tokenizer }: Backbone): Readonly<Record<string, unknown>> {
  const pools = (kind: Pooling) => pooling === kind || (pooling === "cls+mean" && kind !== "last");
  return {
    "1_Pooling/config.json": {
      word_embedding_dimension: hiddenSize,
      pooling_mode_cls_token: pools("cls"),
      pooling_mode_mean_tokens: pools("mean"),
      pooling_mode_max_tokens: false,
      pooling_mode_mean_sqrt_len_tokens: false,
      pooling_mode_weightedmean_tokens: false,
      pooling_mode_lasttoken: pools("last"),
    },
    "modules.json": [
      { idx: 0, name: "0", path: "", type: "sentence_transformers.models.Transformer" },
      { idx: 1, name: "1", path: "1_Pooling", type: "sentence_transformers.models.Pooling" },
      { idx: 2, name: "2", path: "2_Normalize", type: "sentence_transformers.models.Normalize" },
    ],
    "sentence_bert_config.json": {
      max_seq_length: tokenizer && Number.isFinite(tokenizer.maxLength) ? tokenizer.maxLength : null,
      do_lower_case: false,
    },
  };
}
