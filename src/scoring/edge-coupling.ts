import type { Edge } from "../adapters/index.ts";
import type { Backbone } from "../backbone/index.ts";
import { nameSeed, random } from "../base/index.ts";
import type { Task } from "../tasks/index.ts";
import { edgeColumns } from "./edge-gradients.ts";
import { openProbe, type ProbeOptions } from "./probe.ts";

/** How alike the gradients of any two edges are. */
export interface EdgeCoupling {
  /** Cosine of the gradients as vectors of d² numbers, in [−1, 1], off by about √(1 / size); 0 where one is zero. */
  cosine(a: Edge, b: Edge): number;
}

export interface EdgeCouplingOptions extends ProbeOptions {
  /** Numbers kept of each gradient; default 4096. */
  readonly size?: number;
}

const SIZE = 4096;

/**
 * Cosines of ∂L/∂W_ij and ∂L/∂W_kl for all pairs of edges, from one pass over the probe: states share one residual stream, so
 * that both matrices read and write in the same coordinates, and edges whose gradients agree would be trained towards the same
 * map. Of each gradient a count sketch is kept (Charikar et al. 2002): its d² numbers are added up, with a drawn sign each, in
 * `size` drawn places. Inner products of sketches are those of the gradients on average, with a variance of at most
 * (1 + cos²) / size of the product of their squared lengths.
 *
 * Memory is 4 · n² · size bytes, 10 MB at 25 states, however large d; the work n² · d² additions beside the pass.
 */
export async function edgeCoupling(
  backbone: Backbone,
  task: Task,
  options: EdgeCouplingOptions = {},
): Promise<EdgeCoupling> {
  const { size = SIZE, seed = 0, threads, signal, onProgress, after } = options;
  const { indices, head } = await openProbe(backbone, task, options);
  const { hiddenSize: d } = backbone;
  const n = backbone.states.length;
  const draw = random(seed, nameSeed("coupling"));
  // A place, and in the lowest bit the sign.
  const places = Int32Array.from({ length: d * d }, () => draw.int(2 * size));
  const sketches = new Float32Array(n * n * size);
  const sketchOf = ({ from, to }: Edge) => sketches.subarray((from * n + to) * size, (from * n + to + 1) * size);
  await edgeColumns(
    backbone,
    task,
    indices,
    head,
    ({ to, sources, gradients }) => {
      for (const [k, from] of sources.entries()) {
        const sketch = sketchOf({ from, to });
        const begin = k * d * d;
        for (let at = 0; at < d * d; at++) {
          const place = places[at]!;
          sketch[place >> 1]! += (place & 1) === 0 ? gradients[begin + at]! : -gradients[begin + at]!;
        }
        scaleToOne(sketch);
      }
    },
    { threads, signal, onProgress, after },
  );
  return {
    cosine(a, b) {
      const [x, y] = [sketchOf(a), sketchOf(b)];
      let sum = 0;
      for (let at = 0; at < size; at++) sum += x[at]! * y[at]!;
      return Math.max(-1, Math.min(1, sum));
    },
  };
}

function scaleToOne(values: Float32Array): void {
  let squares = 0;
  for (const value of values) squares += value * value;
  const length = Math.sqrt(squares);
  if (length > 0) for (let at = 0; at < values.length; at++) values[at]! /= length;
}
