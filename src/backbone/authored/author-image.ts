import { createBuilder, type Graph, type Tensor, tensorOf, tensorValues, type Value } from "../../graph/index.ts";
import type { ImageSize } from "../../tasks/index.ts";
import { configError, type ImageConfig, readImageConfig } from "./config.ts";
import { activation, createLayers } from "./layers.ts";
import { resizeGrid } from "./resize-grid.ts";
import { readWeights, type Weights } from "./weights.ts";

/** What tells ViT's descendants apart. */
export interface ImageFamily {
  /** What head classes put before the names of tensors. */
  readonly prefix: string;
  readonly norms: readonly [string, string];
  readonly up: string;
  readonly down: string;
  /** Default epsilon of the layer norms. */
  readonly epsilon: number;
  /** Default side of a patch. */
  readonly patch: number;
  /** Whether positions shrink with a filter as wide as the step (antialiased). */
  readonly smooth: boolean;
}

const vit: ImageFamily = {
  prefix: "vit.",
  norms: ["layernorm_before", "layernorm_after"],
  up: "intermediate.dense",
  down: "output.dense",
  epsilon: 1e-12,
  patch: 16,
  smooth: false,
};
const dinov2: ImageFamily = {
  prefix: "dinov2.",
  norms: ["norm1", "norm2"],
  up: "mlp.fc1",
  down: "mlp.fc2",
  epsilon: 1e-6,
  patch: 14,
  smooth: false,
};

/** By `model_type`. */
export const IMAGE_FAMILIES: Readonly<Record<string, ImageFamily>> = {
  vit,
  deit: { ...vit, prefix: "deit." },
  dinov2,
  dinov2_with_registers: { ...dinov2, prefix: "dinov2_with_registers.", patch: 16, smooth: true },
};

const CLASS = "embeddings.cls_token";
const PATCHES = "embeddings.patch_embeddings.projection";

/**
 * Author a pre-norm vision transformer (Dosovitskiy et al. 2020) from its weights.
 *
 * Input `pixel_values` float32 [batch, channels, height, width], the batch dynamic; outputs `last_hidden_state` float32
 * [batch, tokens, d], class (distillation, register) tokens first, and, if it was saved, `pooler_output` [batch, d].
 * @param imageSize  size (or side) of the pictures in pixels where it is not config.json's: positions are resized, as the model's library
 *                   does (bicubic)
 */
export function authorImage(
  family: ImageFamily,
  json: unknown,
  tensors: ReadonlyMap<string, Tensor>,
  imageSize?: number | ImageSize,
): Graph {
  const config = readImageConfig(json);
  const weights = readWeights(tensors, CLASS, [family.prefix]);
  const g = createBuilder();
  const layers = createLayers(g, weights);
  const { hidden_size: d, num_attention_heads: heads, num_channels: channels } = config;
  const epsilon = config.layer_norm_eps ?? family.epsilon;
  const act = activation(g, config.hidden_act);
  const [height, width] =
    typeof imageSize === "object"
      ? [imageSize.height, imageSize.width]
      : imageSize === undefined
        ? config.image_size
        : [imageSize, imageSize];
  const [patchHeight, patchWidth] = config.patch_size ?? [family.patch, family.patch];

  const pixels = g.input("pixel_values", "float32", ["batch", channels, height, width]);
  const kernel = layers.constant(`${PATCHES}.weight`, [d, channels, patchHeight, patchWidth]);
  const kernelBias = weights.has(`${PATCHES}.bias`) ? layers.constant(`${PATCHES}.bias`, [d]) : undefined;
  const cut = g.op("Conv", [pixels, kernel, kernelBias], {
    kernel_shape: { type: "ints", value: [patchHeight, patchWidth] },
    strides: { type: "ints", value: [patchHeight, patchWidth] },
  });
  const grid = [Math.floor(height / patchHeight), Math.floor(width / patchWidth)] as const;
  const patches = g.transpose(g.reshape(cut, [0, d, grid[0] * grid[1]]), [0, 2, 1]); // [batch, patches, d]
  const prefix = prefixRows(weights, d);
  const table = tokenTable(weights, prefix, config, [patchHeight, patchWidth], grid, family.smooth);
  // Rows of zeros in front: a token that no patch makes is its row of the table alone.
  const padded = g.op("Pad", [patches, g.integers([prefix.count, 0]), undefined, g.integers([1])]);
  const embedded = g.add(padded, g.constant(table, "embeddings.tokens"));
  let x = g.refine(embedded, { dtype: "float32", shape: ["batch", ...table.shape] });
  for (let k = 0; k < config.num_hidden_layers; k++) {
    const at = (name: string) => `encoder.layer.${k}.${name}`;
    const scaled = (y: Value, name: string) => (weights.has(at(name)) ? g.mul(y, layers.constant(at(name), [d])) : y);
    const normed = layers.norm(x, at(family.norms[0]), epsilon);
    const self = (name: string) => at(`attention.attention.${name}`);
    const projections = [self("query"), self("key"), self("value"), at("attention.output.dense")] as const;
    x = g.add(x, scaled(layers.attention(normed, projections, heads), "layer_scale1.lambda1"));
    const inner = layers.norm(x, at(family.norms[1]), epsilon);
    const mixed = weights.has(at("mlp.weights_in.weight"))
      ? layers.linear(gated(layers.linear(inner, at("mlp.weights_in"))), at("mlp.weights_out"))
      : layers.linear(act(layers.linear(inner, at(family.up))), at(family.down));
    x = g.add(x, scaled(mixed, "layer_scale2.lambda1"));
  }
  const last = layers.norm(x, "layernorm", epsilon);
  g.rename(last, "last_hidden_state");
  const pooled = weights.has("pooler.dense.weight");
  if (pooled) g.rename(layers.pooler(last, "pooler.dense"), "pooler_output");
  return g.toGraph(pooled ? ["last_hidden_state", "pooler_output"] : ["last_hidden_state"]);

  /** SwiGLU (Shazeer 2020): [.., 2h] → [.., h], half of it gating the other half. */
  function gated(y: Value): Value {
    const half = (y.shape?.at(-1) as number) / 2;
    const [gate, value] = g.split(y, -1, [half, half]) as [Value, Value];
    return g.mul(g.mul(gate, g.sigmoid(gate)), value);
  }
}

interface PrefixRows {
  /** Tokens that have a position of their own: class, distillation. */
  readonly placed: readonly Float32Array[];
  /** Those that have none, and stand behind the class token: registers. */
  readonly registers: readonly Float32Array[];
  readonly count: number;
}

function prefixRows(weights: Weights, d: number): PrefixRows {
  const rows = (name: string): Float32Array[] => {
    if (!weights.has(name)) return [];
    const tensor = weights.tensor(name, [1, -1, d]);
    const values = tensorValues(tensor) as Float32Array;
    return Array.from({ length: tensor.shape[1]! }, (_, k) => values.subarray(k * d, (k + 1) * d));
  };
  const placed = [...rows(CLASS), ...rows("embeddings.distillation_token")];
  const registers = rows("embeddings.register_tokens");
  return { placed, registers, count: placed.length + registers.length };
}

/** What is added to the zero rows and patches: [prefix tokens + patches, d]. */
function tokenTable(
  weights: Weights,
  { placed, registers, count }: PrefixRows,
  { image_size, hidden_size: d }: ImageConfig,
  patch: readonly [number, number],
  grid: readonly [number, number],
  smooth: boolean,
): Tensor {
  const saved = [Math.floor(image_size[0] / patch[0]), Math.floor(image_size[1] / patch[1])] as const;
  const tensor = weights.tensor("embeddings.position_embeddings", [1, placed.length + saved[0] * saved[1], d]);
  const positions = tensorValues(tensor) as Float32Array;
  if (grid[0] === 0 || grid[1] === 0)
    throw configError(`a picture is smaller than a patch of ${patch.join(" × ")} pixels`, "Choose a larger image size");
  const table = new Float32Array((count + grid[0] * grid[1]) * d);
  placed.forEach((row, k) => {
    // The class token is first, registers follow it: no family has both registers and a distillation token.
    const at = k === 0 ? 0 : k + registers.length;
    for (let j = 0; j < d; j++) table[at * d + j] = row[j]! + positions[k * d + j]!;
  });
  registers.forEach((row, k) => {
    table.set(row, (1 + k) * d);
  });
  table.set(resizeGrid(positions.subarray(placed.length * d), saved, grid, d, smooth), count * d);
  return tensorOf("float32", [count + grid[0] * grid[1], d], table);
}
