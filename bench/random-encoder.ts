import { existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { random } from "../src/base/index.ts";
import { encodeSafetensors } from "../src/formats/index.ts";
import { elementCount, type Tensor, tensorOf } from "../src/graph/index.ts";

/** Sizes of an encoder with random weights. */
export interface EncoderSizes {
  readonly type: "vit" | "bert";
  readonly width: number;
  readonly blocks: number;
}

export const IMAGE_SIDE = 224;
export const VOCABULARY = 30522;
const PATCH = 16;
const POSITIONS = 512;
const FOLDER = ".cache/bench";

/** The folder of such an encoder, as `save_pretrained` writes one: config.json and safetensors. Made when it is missing. */
export function randomEncoder({ type, width, blocks }: EncoderSizes): string {
  const folder = join(FOLDER, `${type}-${width}x${blocks}`);
  if (existsSync(join(folder, "config.json"))) return folder;
  mkdirSync(folder, { recursive: true });
  const draw = random(1);
  const shapes = Object.entries(shapesOf({ type, width, blocks }));
  const files = shardsOf(shapes);
  for (const [file, some] of files) {
    const tensors = new Map<string, Tensor>();
    for (const [name, shape] of some) {
      const data = new Float32Array(elementCount(shape));
      if (isNorm(name)) data.fill(name.endsWith("weight") ? 1 : 0);
      else if (!name.endsWith("bias")) for (let k = 0; k < data.length; k++) data[k] = 0.02 * draw.normal();
      tensors.set(name, tensorOf("float32", shape, data));
    }
    writeFileSync(join(folder, file), encodeSafetensors(tensors));
  }
  const weights = Object.fromEntries([...files].flatMap(([file, some]) => some.map(([name]) => [name, file])));
  if (files.size > 1)
    writeFileSync(join(folder, "model.safetensors.index.json"), JSON.stringify({ metadata: {}, weight_map: weights }));
  // Last, and at once: a folder with a config is whole.
  writeFileSync(join(folder, "config.part"), JSON.stringify(configOf({ type, width, blocks })));
  renameSync(join(folder, "config.part"), join(folder, "config.json"));
  return folder;
}

/** Bytes of a file, beyond which there are several, as `save_pretrained` does it. */
const SHARD_BYTES = 2 ** 30;

type Shape = readonly [name: string, shape: readonly number[]];

/** What each file holds: all of it one file, or as much as fits. */
function shardsOf(shapes: readonly Shape[]): ReadonlyMap<string, readonly Shape[]> {
  const shards: Shape[][] = [[]];
  let bytes = 0;
  for (const one of shapes) {
    const size = 4 * elementCount(one[1]);
    if (bytes + size > SHARD_BYTES) {
      shards.push([]);
      bytes = 0;
    }
    shards.at(-1)!.push(one);
    bytes += size;
  }
  const number = (k: number) => String(k).padStart(5, "0");
  const nameOf = (k: number) =>
    shards.length === 1 ? "model.safetensors" : `model-${number(k + 1)}-of-${number(shards.length)}.safetensors`;
  return new Map(shards.map((shard, k) => [nameOf(k), shard]));
}

const isNorm = (name: string) => /layernorm/i.test(name);

function configOf({ type, width, blocks }: EncoderSizes) {
  return {
    model_type: type,
    hidden_size: width,
    num_hidden_layers: blocks,
    num_attention_heads: width / 64,
    intermediate_size: 4 * width,
    hidden_act: "gelu",
    hidden_dropout_prob: 0,
    attention_probs_dropout_prob: 0,
    layer_norm_eps: 1e-12,
    ...(type === "vit"
      ? { image_size: IMAGE_SIDE, patch_size: PATCH, num_channels: 3 }
      : { vocab_size: VOCABULARY, max_position_embeddings: POSITIONS, type_vocab_size: 2, pad_token_id: 0 }),
  };
}

function shapesOf({ type, width: d, blocks }: EncoderSizes): Record<string, readonly number[]> {
  const linear = (name: string, to: number, from: number) => ({
    [`${name}.weight`]: [to, from],
    [`${name}.bias`]: [to],
  });
  const norm = (name: string) => ({ [`${name}.weight`]: [d], [`${name}.bias`]: [d] });
  const isImage = type === "vit";
  const attention = isImage ? "attention.attention" : "attention.self";
  const norms = isImage ? ["layernorm_before", "layernorm_after"] : ["attention.output.LayerNorm", "output.LayerNorm"];
  const block = (k: number) => {
    const at = (name: string) => `encoder.layer.${k}.${name}`;
    return {
      ...Object.assign({}, ...["query", "key", "value"].map((part) => linear(at(`${attention}.${part}`), d, d))),
      ...linear(at("attention.output.dense"), d, d),
      ...linear(at("intermediate.dense"), 4 * d, d),
      ...linear(at("output.dense"), d, 4 * d),
      ...Object.assign({}, ...norms.map((name) => norm(at(name)))),
    };
  };
  const embeddings = isImage
    ? {
        "embeddings.cls_token": [1, 1, d],
        "embeddings.position_embeddings": [1, 1 + (IMAGE_SIDE / PATCH) ** 2, d],
        "embeddings.patch_embeddings.projection.weight": [d, 3, PATCH, PATCH],
        "embeddings.patch_embeddings.projection.bias": [d],
        ...norm("layernorm"),
      }
    : {
        "embeddings.word_embeddings.weight": [VOCABULARY, d],
        "embeddings.position_embeddings.weight": [POSITIONS, d],
        "embeddings.token_type_embeddings.weight": [2, d],
        ...norm("embeddings.LayerNorm"),
      };
  return Object.assign({}, embeddings, ...Array.from({ length: blocks }, (_, k) => block(k)));
}
