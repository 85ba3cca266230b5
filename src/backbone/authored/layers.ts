import {
  type Builder,
  float32View,
  type Tensor,
  tensorMadeOf,
  tensorOf,
  transposed,
  type Value,
} from "../../graph/index.ts";
import { configError } from "./config.ts";
import type { Weights } from "./weights.ts";

/** The modules that transformers are made of, each named by the prefix of its tensors. */
export interface Layers {
  constant(name: string, shape: readonly number[]): Value;
  /** x · Wᵀ + b, where W [out, in] is stored as PyTorch does; without a bias where none was saved. */
  linear(x: Value, name: string): Value;
  norm(x: Value, name: string, epsilon: number): Value;
  /**
   * Multi-head attention: [batch, tokens, d] → [batch, tokens, d].
   * @param names  of the projections to queries, keys, values and back
   * @param bias   added to the scores, broadcast over [batch, heads, tokens, tokens]
   */
  attention(x: Value, names: readonly [string, string, string, string], heads: number, bias?: Value): Value;
  /** tanh of a linear map of the first token: [batch, tokens, d] → [batch, d]. */
  pooler(x: Value, name: string): Value;
}

export function createLayers(g: Builder, weights: Weights): Layers {
  const constant = (name: string, shape: readonly number[]) => g.constant(weights.tensor(name, shape), name);
  const widthOf = (x: Value) => x.shape?.at(-1) as number;

  function linear(x: Value, name: string): Value {
    const weight = `${name}.weight`;
    const y = g.matmul(x, g.constant(turned(weights.tensor(weight, [-1, widthOf(x)])), weight));
    const bias = `${name}.bias`;
    return weights.has(bias) ? g.add(y, constant(bias, [weights.shape(weight)[0]!])) : y;
  }

  return {
    constant,
    linear,
    norm(x, name, epsilon) {
      const d = widthOf(x);
      return g.layerNorm(x, constant(`${name}.weight`, [d]), constant(`${name}.bias`, [d]), epsilon);
    },
    attention(x, [query, key, value, output], heads, bias) {
      const d = widthOf(x);
      const size = d / heads;
      if (!Number.isInteger(size))
        throw configError(`hidden size ${d} does not divide into ${heads} heads`, "Fix the file, or fetch it again");
      const perHead = (y: Value, perm: readonly number[]) => g.transpose(g.reshape(y, [0, 0, heads, size]), perm);
      const queries = g.mul(perHead(linear(x, query), [0, 2, 1, 3]), g.scalar(1 / Math.sqrt(size)));
      const scores = g.matmul(queries, perHead(linear(x, key), [0, 2, 3, 1])); // [batch, heads, tokens, tokens]
      const shares = g.softmax(bias ? g.add(scores, bias) : scores);
      const mixed = g.matmul(shares, perHead(linear(x, value), [0, 2, 1, 3]));
      return linear(g.reshape(g.transpose(mixed, [0, 2, 1, 3]), [0, 0, d]), output);
    },
    pooler(x, name) {
      return g.tanh(linear(g.gather(x, g.constant(tensorOf("int64", [], [0])), 1), name));
    },
  };
}

/** What `transformers` calls `name`, as a formula. */
export function activation(g: Builder, name: string): (x: Value) => Value {
  const sigmoidal = (steepness: number) => (x: Value) => g.mul(x, g.sigmoid(g.mul(x, g.scalar(steepness))));
  const known: Readonly<Record<string, (x: Value) => Value>> = {
    gelu: (x) => g.gelu(x),
    gelu_new: (x) => g.gelu(x, "tanh"),
    gelu_pytorch_tanh: (x) => g.gelu(x, "tanh"),
    quick_gelu: sigmoidal(1.702),
    relu: g.relu,
    silu: (x) => g.mul(x, g.sigmoid(x)),
    swish: (x) => g.mul(x, g.sigmoid(x)),
  };
  if (Object.hasOwn(known, name)) return known[name]!;
  throw configError(`the activation "${name}" is none graft knows`, `There are ${Object.keys(known).join(", ")}`);
}

/** [rows, columns] → [columns, rows] */
function turned(tensor: Tensor): Tensor {
  const [rows, columns] = tensor.shape as [number, number];
  return tensorMadeOf(tensor, [columns, rows], (source, into) => transposed(float32View(source), rows, columns, into));
}
