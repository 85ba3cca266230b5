import { didYouMean, GraftError } from "../../base/index.ts";
import { asFloat32, type Tensor, tensorMadeOf } from "../../graph/index.ts";

/** A model's tensors by the names they have in its library's base class, whatever head class saved them. */
export interface Weights {
  has(name: string): boolean;
  /** Throws WEIGHTS if there is none. */
  shape(name: string): readonly number[];
  /** In float32. Throws WEIGHTS if there is none, or if it has another shape; a size of -1 may be any. */
  tensor(name: string, shape: readonly number[]): Tensor;
}

/** How the first checkpoints, converted from TensorFlow, spell a layer norm's tensors. */
const OLD_NAMES: readonly (readonly [RegExp, string])[] = [
  [/LayerNorm\.weight$/, "LayerNorm.gamma"],
  [/LayerNorm\.bias$/, "LayerNorm.beta"],
];

/**
 * @param marker    name of a tensor that every such model has
 * @param prefixes  what head classes put before names, e.g. `bert.`
 */
export function readWeights(
  tensors: ReadonlyMap<string, Tensor>,
  marker: string,
  prefixes: readonly string[],
): Weights {
  const prefix = ["", ...prefixes].find((candidate) => tensors.has(candidate + marker)) ?? "";
  const find = (name: string) => {
    const spellings = [
      name,
      ...OLD_NAMES.filter(([now]) => now.test(name)).map(([now, old]) => name.replace(now, old)),
    ];
    return spellings.map((spelling) => tensors.get(prefix + spelling)).find((tensor) => tensor !== undefined);
  };
  const get = (name: string) => {
    const tensor = find(name);
    if (tensor) return tensor;
    throw new GraftError("WEIGHTS", {
      thing: `tensor "${prefix}${name}"`,
      place: `the safetensors have no such tensor among their ${tensors.size}`,
      remedy: `${didYouMean(prefix + name, tensors.keys())}Check that config.json belongs to these weights`,
    });
  };
  return {
    has: (name) => find(name) !== undefined,
    shape: (name) => get(name).shape,
    tensor(name, shape) {
      const found = get(name);
      const fits =
        found.shape.length === shape.length && shape.every((size, k) => size === -1 || size === found.shape[k]);
      if (!fits)
        throw new GraftError("WEIGHTS", {
          thing: `tensor "${prefix}${name}"`,
          place: `it is [${found.shape.join(", ")}], config.json makes it [${shape.map((size) => (size < 0 ? "any" : size)).join(", ")}]`,
          remedy: "Check that config.json belongs to these weights",
        });
      return found.dtype === "float32" ? found : tensorMadeOf(found, found.shape, asFloat32);
    },
  };
}
