import { GraftError } from "../../base/index.ts";
import type { Graph, Tensor } from "../../graph/index.ts";
import type { ImageSize } from "../../tasks/index.ts";
import { authorImage, IMAGE_FAMILIES } from "./author-image.ts";
import { authorText, TEXT_FAMILIES } from "./author-text.ts";

/** Values of `model_type` that graphs can be authored for. */
export const AUTHORED_TYPES: readonly string[] = [...Object.keys(TEXT_FAMILIES), ...Object.keys(IMAGE_FAMILIES)];

export interface AuthorOptions {
  /** Size of the pictures in pixels, or their side; default config.json's `image_size`. */
  readonly imageSize?: number | ImageSize;
}

/**
 * Author an encoder from what `save_pretrained` writes, without any ONNX export: BERT, RoBERTa, XLM-R, CamemBERT, ELECTRA,
 * DistilBERT (MiniLM and most sentence encoders are BERTs), ViT, DeiT, DINOv2 with and without registers. Heads are left
 * aside, weights become float32, batch and sequence are dynamic.
 * @param config   content of config.json
 * @param tensors  of all of the model's safetensors files; not modified
 * @throws GraftError MODEL_TYPE (none of `AUTHORED_TYPES`), CONFIG, WEIGHTS
 */
export function authorFromSafetensors(
  config: unknown,
  tensors: ReadonlyMap<string, Tensor>,
  options: AuthorOptions = {},
): Graph {
  const type = authoredType(config);
  const text = Object.hasOwn(TEXT_FAMILIES, type) ? TEXT_FAMILIES[type] : undefined;
  const graph = text
    ? authorText(text, config, tensors)
    : authorImage(IMAGE_FAMILIES[type]!, config, tensors, options.imageSize);
  return { ...graph, name: type };
}

/**
 * The `model_type` of a config.json that a graph can be authored for.
 * @throws GraftError MODEL_TYPE naming it and those there are
 */
export function authoredType(config: unknown): string {
  const type = typeof config === "object" && config !== null && "model_type" in config ? config.model_type : undefined;
  if (typeof type === "string" && AUTHORED_TYPES.includes(type)) return type;
  throw new GraftError("MODEL_TYPE", {
    thing: typeof type === "string" ? `model_type "${type}"` : "config.json",
    place: typeof type === "string" ? "graft builds no such model from safetensors" : "it has no model_type",
    remedy: `It builds ${AUTHORED_TYPES.join(", ")}; of others export an ONNX file (e.g. with Optimum) and give that`,
  });
}
