import { asNumbers, type Node } from "../graph/index.ts";
import { type GraphIndex, sameShape } from "./graph-index.ts";

const FUSED = /^(LayerNormalization|RMSNormalization|SimplifiedLayerNormalization)$/;

/** What a norm that is written out is made of. */
const PARTS = new Set(["Add", "Sub", "Mul", "Div", "Pow", "Sqrt", "Reciprocal", "Neg", "Cast", "ReduceMean"]).add(
  "ReduceSum",
);

/**
 * The value that `name` is the layer norm (or RMS norm) of, fused or written out; undefined if it is none.
 * Written out it is any arithmetic of one value and constants that takes a mean over the last axis and a root.
 * @param isBorder  values to stop at: sums of the residual stream, which are arithmetic too
 */
export function normSource(index: GraphIndex, name: string, isBorder: (name: string) => boolean): string | undefined {
  const fused = index.producer(name);
  if (fused && FUSED.test(fused.op)) return fused.inputs[0];
  let [mean, root] = [false, false];
  const seen = new Set<string>();
  const border = new Set<string>();
  const pending = [name];
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    if (seen.has(at) || !index.isData(at)) continue;
    seen.add(at);
    const node = index.producer(at);
    if (node === undefined || isBorder(at) || !isPart(index, node)) {
      border.add(at);
      if (border.size > 1) return undefined;
      continue;
    }
    mean ||= node.op.startsWith("Reduce");
    root ||= node.op === "Sqrt" || (node.op === "Pow" && isFraction(index, node.inputs[1]!));
    pending.push(...node.inputs.filter((input) => input !== ""));
  }
  const [source] = border;
  return mean && root && source !== name ? source : undefined;
}

/** An exponent of ±1/2, not the square of the variance. */
function isFraction(index: GraphIndex, exponent: string): boolean {
  const tensor = index.graph.initializers.get(exponent);
  return tensor !== undefined && Math.abs(asNumbers(tensor)[0] ?? 1) < 1;
}

/** Part of a norm: arithmetic with constant rows, or a reduction over the last axis alone. */
function isPart(index: GraphIndex, node: Node): boolean {
  if (node.domain !== "" || !PARTS.has(node.op)) return false;
  const [from, to] = [index.shape(node.inputs[0]!), index.shape(node.outputs[0]!)];
  if (node.op.startsWith("Reduce")) return from.length >= 2 && sameShape([...from.slice(0, -1), 1], to);
  const constants = node.inputs.filter((name) => name !== "" && !index.isData(name));
  return constants.every((name) =>
    index
      .shape(name)
      .slice(0, -1)
      .every((size) => size === 1),
  );
}

/**
 * The layer norm of a value, after scale and shift; undefined if nothing normalises it, or if several norms do.
 * @param isBorder  see `normSource`
 */
export function normOf(index: GraphIndex, source: string, isBorder: (name: string) => boolean): string | undefined {
  const norms = new Set<string>();
  const seen = new Set<string>();
  const pending = [source];
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    for (const node of index.consumers(at)) {
      const result = node.outputs[0]!;
      const fused = FUSED.test(node.op);
      if (seen.has(result) || isBorder(result)) continue;
      // A norm of the norm is another one.
      if (norms.has(at) ? fused || node.op.startsWith("Reduce") : false) continue;
      if (fused ? node.inputs[0] !== at : !isPart(index, node)) continue;
      seen.add(result);
      const isNorm = sameShape(index.shape(result), index.shape(source));
      if (isNorm && normSource(index, result, isBorder) === source) norms.add(result);
      pending.push(result);
    }
  }
  // What others read is the whole norm; what only the norm reads is a step of it.
  const whole = [...norms].filter((name) => {
    const readers = index.consumers(name);
    return readers.length === 0 || readers.some((node) => !norms.has(node.outputs[0]!));
  });
  return whole.length === 1 ? whole[0] : undefined;
}
