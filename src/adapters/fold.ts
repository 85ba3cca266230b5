import { asFloat32, type Tensor, tensorOf } from "../graph/index.ts";
import { AdapterOptions, nameOf } from "./adapter.ts";
import type { PlacedEdge, Placement } from "./placement.ts";

/** Adapters as tensors by name, with the options that say what is done with them. */
export interface Adapters {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly options: AdapterOptions;
}

/**
 * The same adapters with fewer operations, for export: of constants
 *
 *   α · (h · W_up + b) = h · (W_up · α) + b · α,   (n ∘ γ + β) · W_down + b = n · (γ ∘ W_down) + (β · W_down + b),
 *
 * so that no factor is left, and what stays of the norm has no parameters: adapters that read one state then share one norm.
 * Equal but for rounding. Where projections have no bias the norm stays as it is. Other tensors pass through.
 */
export function foldAdapters(placement: Placement, { tensors, options }: Adapters): Adapters {
  const { norm, bias, scale, factor } = AdapterOptions.parse(options);
  const folded = new Map(tensors);
  const rewrite = (edge: PlacedEdge, part: string, change: (data: Float32Array) => Float64Array) => {
    const name = nameOf(edge, part);
    const tensor = folded.get(name)!;
    folded.set(name, tensorOf("float32", tensor.shape, Float32Array.from(change(asFloat32(tensor)))));
  };
  const ones = new Map<number, Tensor>();
  for (const edge of placement) {
    const alpha = scale === "none" ? Float32Array.of(1) : asFloat32(folded.get(nameOf(edge, "scale"))!);
    const scaled = (data: Float32Array) => Float64Array.from(data, (x, k) => x * alpha[k % alpha.length]! * factor);
    rewrite(edge, "up.weight", scaled);
    if (bias) rewrite(edge, "up.bias", scaled);
    folded.delete(nameOf(edge, "scale"));
    if (!norm || !bias) continue;
    const [gain, shift] = ["norm.weight", "norm.bias"].map((part) => asFloat32(folded.get(nameOf(edge, part))!));
    const down = asFloat32(folded.get(nameOf(edge, "down.weight"))!); // [d, r]
    rewrite(edge, "down.bias", (data) => {
      const sums = Float64Array.from(data);
      down.forEach((x, k) => {
        sums[k % edge.rank]! += shift![Math.floor(k / edge.rank)]! * x;
      });
      return sums;
    });
    rewrite(edge, "down.weight", (data) => Float64Array.from(data, (x, k) => gain![Math.floor(k / edge.rank)]! * x));
    const d = gain!.length;
    const plain = ones.get(d) ?? tensorOf("float32", [d], new Float32Array(d).fill(1));
    ones.set(d, plain);
    folded.set(nameOf(edge, "norm.weight"), plain);
    folded.delete(nameOf(edge, "norm.bias"));
  }
  return { tensors: folded, options: { ...options, scale: "none", factor: 1 } };
}
