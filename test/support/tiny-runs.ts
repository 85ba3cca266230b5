import { random } from "../../src/base/index.ts";
import { asFloat32, type Graph, type Tensor, tensorOf } from "../../src/graph/index.ts";
import type { Parameter } from "../../src/parameters/index.ts";
import type { HostTensor } from "../../src/runtime/index.ts";
import { nodeRuntime } from "../../src/runtime/node.ts";
import type { ImageBackbone } from "./tiny-backbone.ts";

/** Run a graph once on one thread; every output as floats. */
export async function runOnce(
  graph: Graph,
  feeds: Readonly<Record<string, HostTensor>>,
  optimize = true,
): Promise<Record<string, Float32Array>> {
  const session = await nodeRuntime.open(graph, { threads: 1, optimize });
  try {
    const results = await session.run(feeds);
    return Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, data as Float32Array]));
  } finally {
    await session.release();
  }
}

/** Standard normal pixels for a tiny backbone, under its input's name. */
export function pixelsFor({ input }: ImageBackbone, batch: number, seed: number): Record<string, HostTensor> {
  const shape = [batch, 3, input.height, input.width];
  return { [input.name]: floats(shape, normals(batch * 3 * input.height * input.width, seed)) };
}

export const floats = (shape: readonly number[], data: Float32Array): HostTensor => ({ dtype: "float32", shape, data });

export function normals(count: number, seed: number): Float32Array {
  const draw = random(seed);
  return Float32Array.from({ length: count }, () => draw.normal());
}

/** As if trained: norms and scales around 1, everything else around 0; nothing is zero. */
export function trainedTensors(parameters: readonly Parameter[], seed: number): Map<string, Tensor> {
  return new Map(
    parameters.map(({ name, shape }, k) => {
      const centre = /norm\.weight$|scale$/.test(name) ? 1 : 0;
      const size = shape.reduce((a, b) => a * b, 1);
      return [
        name,
        tensorOf(
          "float32",
          shape,
          normals(size, seed + k).map((x) => centre + 0.3 * x),
        ),
      ];
    }),
  );
}

export const numbersOf = (tensor: Tensor): Float32Array => asFloat32(tensor);

/** Largest difference as a share of the largest number expected. */
export function relativeError(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (found.length !== expected.length) return Number.POSITIVE_INFINITY;
  let [worst, scale] = [0, 0];
  for (let k = 0; k < expected.length; k++) {
    const error = Math.abs(found[k]! - expected[k]!);
    worst = Number.isNaN(error) ? Number.POSITIVE_INFINITY : Math.max(worst, error);
    scale = Math.max(scale, Math.abs(expected[k]!));
  }
  return worst / (scale || 1);
}
