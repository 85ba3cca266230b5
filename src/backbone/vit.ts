import { type Random, random } from "../base/index.ts";
import {
  type Builder,
  createBuilder,
  type Dim,
  elementCount,
  type Graph,
  type Tensor,
  tensorOf,
  type Value,
} from "../graph/index.ts";

/** Architecture of a pre-norm vision transformer (Dosovitskiy et al. 2020), square images and patches. */
export interface VitConfig {
  readonly imageSize: number;
  readonly patchSize: number;
  readonly hiddenSize: number;
  readonly blocks: number;
  readonly heads: number;
  readonly mlpSize: number;
}

/** Epsilon of every layer norm. */
const EPSILON = 1e-6;

/**
 * Author a vision transformer with random weights.
 *
 * Input `pixel_values` float32 [batch, 3, size, size] (a dynamic batch unless given); output `last_hidden_state` float32
 * [batch, 1 + patches, hidden] after the final norm, token 0 being the class token. Positions start as fixed 2-D
 * sines, and residual outputs are scaled down by 1/√(2·blocks): with learned positions from a small start a net this
 * size stays at chance for long (docs/experiments.md).
 */
export function authorVit(config: VitConfig, seed: number, batch: Dim = "batch"): Graph {
  const g = createBuilder();
  const draw = random(seed);
  const { hiddenSize: d, mlpSize, blocks } = config;
  const weight = (name: string, shape: readonly number[], scale = 1) =>
    g.constant(normalTensor(draw, shape, scale / Math.sqrt(shape[0]!)), name);
  const filled = (name: string, size: number, value: number) =>
    g.constant(tensorOf("float32", [size], new Float32Array(size).fill(value)), name);
  const linear = (x: Value, name: string, inSize: number, outSize: number, scale = 1) =>
    g.add(g.matmul(x, weight(`${name}.weight`, [inSize, outSize], scale)), filled(`${name}.bias`, outSize, 0));
  const norm = (x: Value, name: string) =>
    g.layerNorm(x, filled(`${name}.weight`, d, 1), filled(`${name}.bias`, d, 0), EPSILON);
  const residualScale = 1 / Math.sqrt(2 * blocks);

  const { imageSize: size, patchSize: patch } = config;
  const pixels = g.input("pixel_values", "float32", [batch, 3, size, size]);
  const patches = patchRows(g, pixels, size, patch); // [batch, patches, 3·patch²]
  const embedded = linear(patches, "embeddings.patch", 3 * patch * patch, d, 0.7);
  // One row of zeros in front: the class token is the first position's embedding alone.
  const padded = g.op("Pad", [embedded, g.integers([1, 0]), undefined, g.integers([1])]);
  const positions = g.constant(positionTensor(draw, size / patch, d), "embeddings.position");
  let x = g.add(padded, positions); // [batch, tokens, d]
  for (let block = 0; block < blocks; block++) {
    const at = `blocks.${block}`;
    const mixed = attention(g, linear(norm(x, `${at}.norm1`), `${at}.attention.qkv`, d, 3 * d), config);
    x = g.add(x, linear(mixed, `${at}.attention.output`, d, d, residualScale));
    const hidden = g.gelu(linear(norm(x, `${at}.norm2`), `${at}.mlp.up`, d, mlpSize));
    x = g.add(x, linear(hidden, `${at}.mlp.down`, mlpSize, d, residualScale));
  }
  g.rename(norm(x, "norm"), "last_hidden_state");
  return { ...g.toGraph(["last_hidden_state"]), name: "vit" };
}

/** [batch, 3, size, size] → [batch, patches, 3·patch²], each row one patch. */
function patchRows(g: Builder, pixels: Value, size: number, patch: number): Value {
  const side = size / patch;
  const cut = g.reshape(pixels, [0, 3, side, patch, side, patch]);
  return g.reshape(g.transpose(cut, [0, 2, 4, 1, 3, 5]), [0, side * side, 3 * patch * patch]);
}

/** Multi-head attention from fused q, k, v: [batch, tokens, 3d] → [batch, tokens, d]. */
function attention(g: Builder, qkv: Value, { hiddenSize: d, heads }: VitConfig): Value {
  const headSize = d / heads;
  const [q, k, v] = g.split(qkv, -1, [d, d, d]) as [Value, Value, Value];
  const perHead = (x: Value, perm: readonly number[]) => g.transpose(g.reshape(x, [0, 0, heads, headSize]), perm);
  const queries = g.mul(perHead(q, [0, 2, 1, 3]), g.scalar(1 / Math.sqrt(headSize)));
  const weights = g.softmax(g.matmul(queries, perHead(k, [0, 2, 3, 1]))); // [batch, heads, tokens, tokens]
  const mixed = g.matmul(weights, perHead(v, [0, 2, 1, 3]));
  return g.reshape(g.transpose(mixed, [0, 2, 1, 3]), [0, 0, d]);
}

/** Class token (small noise), then a 2-D sine-cosine grid: half the width codes rows, half columns. RMS about 0.4. */
function positionTensor(draw: Random, side: number, d: number): Tensor {
  const quarter = Math.floor(d / 4);
  const data = new Float32Array((1 + side * side) * d);
  for (let k = 0; k < d; k++) data[k] = 0.4 * draw.normal();
  for (let row = 0; row < side; row++)
    for (let column = 0; column < side; column++)
      for (let k = 0; k < d; k++) {
        const position = k < 2 * quarter ? row : column;
        const frequency = 100 ** (-(k % quarter) / quarter);
        const wave = k % (2 * quarter) < quarter ? Math.sin : Math.cos;
        data[(1 + row * side + column) * d + k] = 0.55 * wave(position * frequency);
      }
  return tensorOf("float32", [1 + side * side, d], data);
}

function normalTensor(draw: Random, shape: readonly number[], std: number): Tensor {
  const data = Float32Array.from({ length: elementCount(shape) }, () => std * draw.normal());
  return tensorOf("float32", shape, data);
}
