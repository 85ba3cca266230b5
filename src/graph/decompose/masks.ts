import { int } from "../attributes.ts";
import type { Builder } from "../builder.ts";
import type { Value } from "../builder-core.ts";
import type { Node } from "../types.ts";
import { dimension, positionsAlong } from "./attend.ts";
import { rankOf, unsupportedForm } from "./rewrite.ts";

/** The lowest float32: what a hidden score becomes. An infinity would make NaN of a row that is hidden throughout. */
export const HIDDEN = -3.4028234663852886e38;

/**
 * The mask of com.microsoft's attention operators as a bias: 0 where attention may look, `filter` where not.
 * int32, by its number of dimensions: 1 for lengths [batch] or ends and starts [2 · batch], 2 for [batch, keys], 3 for
 * [batch, queries, keys], the last two with 1 where attention may look.
 * @param q, k  [batch, heads, queries or keys, head size]
 */
export function maskBias(
  g: Builder,
  node: Node,
  mask: Value | undefined,
  { q, k }: { readonly q: Value; readonly k: Value },
  filter: number,
): Value | undefined {
  if (mask === undefined) return undefined;
  const bias = (visible: Value) => g.where(visible, g.scalar(0), g.scalar(filter));
  switch (rankOf(node, mask)) {
    case 1:
      return bias(withinLengths(g, node, mask, q, k)); // [batch, 1, 1, keys]
    case 2:
      return bias(g.unsqueeze(g.greater(mask, g.scalar(0, "int32")), [1, 2]));
    case 3:
      return bias(g.unsqueeze(g.greater(mask, g.scalar(0, "int32")), [1]));
    default:
      throw unsupportedForm(node, `with a mask of ${mask.shape!.length} dimensions`);
  }
}

/** Where a key's position lies before the end, and not before the start, of its example. */
function withinLengths(g: Builder, node: Node, mask: Value, q: Value, k: Value): Value {
  const positions = positionsAlong(g, k, 2);
  const [count, batch] = [mask.shape![0], q.shape?.[0]];
  if (typeof count === "number" && typeof batch === "number" && count !== batch && count !== 2 * batch)
    throw unsupportedForm(node, `with a mask of ${count} numbers for ${batch} examples (packed sequences)`);
  const long = g.cast(mask, "int64");
  const column = (x: Value) => g.unsqueeze(x, [1, 2, 3]);
  if (count !== undefined && count !== null && count === batch) return g.less(positions, column(long));
  // Whether there are starts shows at run time: with zeros appended, the second `batch` numbers are the starts if any.
  const size = dimension(g, q, 0);
  const zeros = g.op("Expand", [g.scalar(0, "int64"), size]);
  const ends = g.op("Slice", [long, g.integers([0]), size, g.integers([0])]);
  const both = g.op("Slice", [g.concat([long, zeros], 0), size, g.add(size, size), g.integers([0])]);
  const started = g.op("GreaterOrEqual", [positions, column(both)]);
  return g.op("And", [g.less(positions, column(ends)), started]);
}

/**
 * A bias that keeps queries from looking ahead: lowest above the diagonal, [queries, keys]. The runtime hides what lies
 * ahead wholly, whatever the filter value for masked keys.
 */
export function causalBias(g: Builder, { q, k }: { readonly q: Value; readonly k: Value }): Value {
  const square = g.op("Expand", [g.scalar(HIDDEN), g.concat([dimension(g, q, 2), dimension(g, k, 2)], 0)]);
  return g.op("Trilu", [square, g.scalar(1, "int64")], { upper: int(1) });
}
