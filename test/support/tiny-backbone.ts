import {
  authorVit,
  type Backbone,
  type BackboneOptions,
  type ImageInput,
  openGraph,
} from "../../src/backbone/index.ts";
import { random } from "../../src/base/index.ts";
import { asFloat32, type Builder, createBuilder, type Graph, tensorOf, type Value } from "../../src/graph/index.ts";
import { nodeRuntime } from "../../src/runtime/node.ts";
import type { ClassifyGoal, ImageSplit, ImageTask } from "../../src/tasks/index.ts";

/** Sizes of both tiny nets: 5 tokens (a class token and 2 × 2 patches), 5 hidden states. */
export const TINY = { imageSize: 8, patchSize: 4, hiddenSize: 16, blocks: 2, heads: 2, mlpSize: 32 } as const;

export type ImageBackbone = Backbone & { readonly input: ImageInput };

/** A pre-norm vision transformer small enough for finite differences. */
export const tinyPreNorm = (options: BackboneOptions = {}, seed = 1) =>
  openGraph(jitterVectors(authorVit(TINY, seed), seed), nodeRuntime, {
    name: "tiny-pre",
    ...options,
  }) as Promise<ImageBackbone>;

/** The same, its norms behind the residual sums: x_j = LN(x_{j−1} + F_j(x_{j−1})). */
export const tinyPostNorm = (options: BackboneOptions = {}, seed = 2) =>
  openGraph(authorPostNorm(seed), nodeRuntime, { name: "tiny-post", ...options }) as Promise<ImageBackbone>;

export const tinyBackbones = { "pre-norm": tinyPreNorm, "post-norm": tinyPostNorm } as const;

/** Move norms and biases away from 1 and 0, as training does: with zeros, sums round alike in every order. */
function jitterVectors(graph: Graph, seed: number): Graph {
  const draw = random(seed, 99);
  const initializers = [...graph.initializers].map(([name, tensor]) => {
    if (!/\.(weight|bias)$/.test(name) || tensor.shape.length !== 1) return [name, tensor] as const;
    return [
      name,
      tensorOf(
        "float32",
        tensor.shape,
        asFloat32(tensor).map((x) => x + 0.2 * draw.normal()),
      ),
    ] as const;
  });
  return { ...graph, initializers: new Map(initializers) };
}

/** Post-norm encoder over pictures, written with the builder alone; every weight and bias is random. */
function authorPostNorm(seed: number): Graph {
  const { imageSize, patchSize, hiddenSize: d, blocks, heads, mlpSize } = TINY;
  const g = createBuilder();
  const draw = random(seed);
  const weight = (name: string, shape: readonly number[], mean = 0, std = 1 / Math.sqrt(shape[0]!)) => {
    const size = shape.reduce((a, b) => a * b, 1);
    const data = Float32Array.from({ length: size }, () => mean + std * draw.normal());
    return g.constant(tensorOf("float32", shape, data), name);
  };
  const linear = (x: Value, name: string, from: number, to: number) =>
    g.add(g.matmul(x, weight(`${name}.weight`, [from, to])), weight(`${name}.bias`, [to], 0, 0.1));
  const norm = (x: Value, name: string) =>
    g.layerNorm(x, weight(`${name}.weight`, [d], 1, 0.1), weight(`${name}.bias`, [d], 0, 0.1), 1e-6);

  const side = imageSize / patchSize;
  const pixels = g.input("image", "float32", ["batch", 3, imageSize, imageSize]);
  const cut = g.transpose(g.reshape(pixels, [0, 3, side, patchSize, side, patchSize]), [0, 2, 4, 1, 3, 5]);
  const patches = g.reshape(cut, [0, side * side, 3 * patchSize * patchSize]);
  const embedded = linear(patches, "patch", 3 * patchSize * patchSize, d);
  const padded = g.op("Pad", [embedded, g.integers([1, 0]), undefined, g.integers([1])]);
  const positioned = g.add(padded, weight("position", [1 + side * side, d], 0, 0.5));
  let x = norm(positioned, "embedding.norm");
  for (let block = 0; block < blocks; block++) {
    const at = `layer.${block}`;
    const [q, k, v] = ["q", "k", "v"].map((part) => linear(x, `${at}.${part}`, d, d)) as [Value, Value, Value];
    x = norm(g.add(linear(attention(g, q, k, v, heads, d), `${at}.out`, d, d), x), `${at}.norm1`);
    const hidden = g.gelu(linear(x, `${at}.up`, d, mlpSize));
    x = norm(g.add(linear(hidden, `${at}.down`, mlpSize, d), x), `${at}.norm2`);
  }
  g.rename(x, "features");
  return { ...g.toGraph(["features"]), name: "post" };
}

function attention(g: Builder, q: Value, k: Value, v: Value, heads: number, d: number): Value {
  const perHead = (x: Value, perm: readonly number[]) => g.transpose(g.reshape(x, [0, 0, heads, d / heads]), perm);
  const logits = g.div(g.matmul(perHead(q, [0, 2, 1, 3]), perHead(k, [0, 2, 3, 1])), g.scalar(Math.sqrt(d / heads)));
  const mixed = g.matmul(g.softmax(logits), perHead(v, [0, 2, 1, 3]));
  return g.reshape(g.transpose(mixed, [0, 2, 1, 3]), [0, 0, d]);
}

export interface TinyTaskOptions {
  readonly train?: number;
  readonly validation?: number;
  readonly test?: number;
  readonly classes?: number;
  readonly seed?: number;
  /** Share of an image that is noise, in [0, 1]. */
  readonly noise?: number;
}

/** Pictures of seeded random bytes: one random picture per class, mixed with noise, so that labels can be learned. */
export function tinyTask(options: TinyTaskOptions = {}): ImageTask & { readonly goal: ClassifyGoal } {
  const { train = 40, validation = 24, test = 24, classes = 3, seed = 1, noise = 0.7 } = options;
  const side = TINY.imageSize;
  const bytes = 3 * side * side;
  // Squares of 4 × 4 pixels: a shift by one pixel leaves most of them in place.
  const templates = Array.from({ length: classes }, (_, label) => {
    const draw = random(seed, 1000 + label);
    const squares = Array.from({ length: bytes }, () => draw.int(256));
    return Array.from({ length: bytes }, (_, k) => squares[k - (k % (4 * side)) + 4 * Math.floor((k % side) / 4)]!);
  });
  const split = (count: number, stream: number): ImageSplit => {
    const labels = Int32Array.from({ length: count }, (_, k) => k % classes);
    const images = Array.from(labels, (label, k) => {
      const draw = random(seed, stream, k);
      return Uint8Array.from(templates[label]!, (x) => Math.round((1 - noise) * x + noise * draw.int(256)));
    });
    return { kind: "image", count, targets: { kind: "classes", labels }, pixels: (index) => images[index]! };
  };
  return {
    name: "tiny",
    title: "which random picture lies under the noise",
    goal: { kind: "classify", classes: Array.from({ length: classes }, (_, k) => `class ${k}`) },
    image: { height: side, width: side },
    train: split(train, 1),
    validation: split(validation, 2),
    test: split(test, 3),
    augment: { flip: false, shift: 1 },
    notes: [],
  };
}
