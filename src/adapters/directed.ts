import type { Backbone } from "../backbone/index.ts";
import { asFloat32, type Tensor, tensorOf } from "../graph/index.ts";
import { AdapterOptions, nameOf } from "./adapter.ts";
import type { PlacedEdge } from "./placement.ts";

/** Names of what an edge's adapter reads and adds to, in the plain backbone's graph (`insertAdapters`). */
export function endsOf(
  { states, sums, branches }: Pick<Backbone, "states" | "sums" | "branches">,
  { from, to }: PlacedEdge,
  options: AdapterOptions = {},
): { readonly source: string; readonly target: string } {
  const { beforeNorm, insideBranch } = AdapterOptions.parse(options);
  if (from === to && insideBranch) return { source: branches[to - 1]!, target: branches[to - 1]! };
  const target = (beforeNorm ? sums : states)[to]!;
  return { source: from === to ? target : states[from]!, target };
}

/**
 * An adapter's starting tensors with W_down along given directions. Column k is direction k at the length that a drawn column
 * has on average, `initScale`, with the sign of the drawn one's first number: GELU tells signs apart. Columns beyond the
 * directions stay as drawn.
 * @param start       of `initialAdapters`
 * @param directions  [k, d], rows of length 1
 */
export function directedAdapter(
  start: ReadonlyMap<string, Tensor>,
  edge: PlacedEdge,
  directions: Float64Array,
  options: AdapterOptions = {},
): Map<string, Tensor> {
  const { initScale } = AdapterOptions.parse(options);
  const name = nameOf(edge, "down.weight");
  const drawn = start.get(name)!;
  const [d, rank] = drawn.shape as [number, number];
  const data = asFloat32(drawn).slice();
  for (let k = 0; k < Math.min(rank, directions.length / d); k++) {
    const sign = data[k]! < 0 ? -1 : 1;
    for (let row = 0; row < d; row++) data[row * rank + k] = sign * initScale * directions[k * d + row]!;
  }
  return new Map([...start, [name, tensorOf("float32", drawn.shape, data)]]);
}
