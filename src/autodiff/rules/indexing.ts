import { attribute, type Builder, int, type Node, staticShape, tensorOf, type Value } from "../../graph/index.ts";
import { NEWEST_OPSET, placeAlong, product, unsupported, type VjpRule, wrapAxis } from "../rule.ts";

/** y = slices of x at indices along an axis  ⇒  dx = zeros, to which each slice of dy is added at its index */
export const Gather: VjpRule = {
  opset: [1, NEWEST_OPSET],
  vjp(g, { node, inputs: [x, indices], cotangents: [dy] }) {
    const shape = staticShape(x!);
    const axis = wrapAxis(attribute(node, "axis", "int", 0), shape.length);
    const count = product(staticShape(indices!));
    const slices = g.reshape(dy!, [...shape.slice(0, axis), count, ...shape.slice(axis + 1)]);
    const known = g.constantOf(indices!) && g.numbersOf(indices!).map((index) => wrapAxis(index, shape[axis]!));
    if (known && new Set(known).size === known.length) return [placeAlong(g, slices, axis, shape[axis]!, known)];
    return [addAlong(g, shape, axis, slices, indices!)];
  },
};

/** yᵢ = x at indices[i] along an axis, elementwise  ⇒  dx = zeros, to which dyᵢ is added at indices[i] */
export const GatherElements: VjpRule = {
  opset: [11, NEWEST_OPSET],
  vjp(g, { node, inputs: [x, indices], cotangents: [dy] }) {
    const zeros = g.filled(staticShape(x!), 0, x!.dtype);
    return [g.op("ScatterElements", [zeros, indices, dy], { ...node.attributes, reduction: add })];
  },
};

/** y = slices of x at index tuples  ⇒  dx = zeros, to which each slice of dy is added at its tuple */
export const GatherND: VjpRule = {
  opset: [11, NEWEST_OPSET],
  vjp(g, { node, inputs: [x, indices], cotangents: [dy] }) {
    if (attribute(node, "batch_dims", "int", 0) !== 0) throw unsupported(node, "with batch dimensions");
    const shape = staticShape(x!);
    const depth = staticShape(indices!).at(-1)!;
    const [outer, inner] = [shape.slice(0, depth), product(shape.slice(depth))];
    const count = product(staticShape(indices!).slice(0, -1));
    const sum = addAlong(
      g,
      [product(outer), inner],
      0,
      g.reshape(dy!, [count, inner]),
      flatIndices(g, indices!, outer),
    );
    return [g.reshape(sum, shape)];
  },
};

/** y = x with updates written (or added) at indices  ⇒  dx = dy, zero where overwritten; dupdates = dy at indices */
export const ScatterElements: VjpRule = {
  opset: [11, NEWEST_OPSET],
  vjp(g, { node, inputs: [, indices, updates], cotangents: [dy], wanted }) {
    const axis = { axis: int(attribute(node, "axis", "int", 0)) };
    const blank = () => g.filled(staticShape(updates!), 0, dy!.dtype);
    return [
      wanted[0] ? (isAdding(node) ? dy : g.op("ScatterElements", [dy, indices, blank()], axis)) : undefined,
      undefined,
      wanted[2] ? g.op("GatherElements", [dy, indices], axis) : undefined,
    ];
  },
};

/** As ScatterElements, for whole slices at index tuples. */
export const ScatterND: VjpRule = {
  opset: [11, NEWEST_OPSET],
  vjp(g, { node, inputs: [, indices, updates], cotangents: [dy], wanted }) {
    const blank = () => g.filled(staticShape(updates!), 0, dy!.dtype);
    return [
      wanted[0] ? (isAdding(node) ? dy : g.op("ScatterND", [dy, indices, blank()])) : undefined,
      undefined,
      wanted[2] ? g.op("GatherND", [dy, indices]) : undefined,
    ];
  },
};

const add = { type: "string", value: "add" } as const;

function isAdding(node: Node): boolean {
  const reduction = attribute(node, "reduction", "string", "none");
  if (reduction !== "add" && reduction !== "none") throw unsupported(node, `with reduction "${reduction}"`);
  return reduction === "add";
}

/** Index tuples into axes of these lengths, [..., axes], as indices into their product. */
function flatIndices(g: Builder, tuples: Value, lengths: readonly number[]): Value {
  const integers = (values: readonly number[]) => g.constant(tensorOf("int64", [values.length], values.map(BigInt)));
  const steps = lengths.map((_, axis) => product(lengths.slice(axis + 1)));
  const wrapped = g.op("Where", [g.op("Less", [tuples, integers([0])]), g.add(tuples, integers(lengths)), tuples]);
  return g.reduceSum(g.mul(wrapped, integers(steps)), [-1], false);
}

/**
 * Zeros of `shape`, to which slices along `axis` are added at `indices`, one for each. By ScatterElements: ONNX Runtime's ScatterND adds
 * by several threads at once, and loses what two of them add at one place (1.30).
 */
function addAlong(g: Builder, shape: readonly number[], axis: number, slices: Value, indices: Value): Value {
  const along = staticShape(slices).map((length, k) => (k === axis ? length : 1));
  const everywhere = g.expand(g.reshape(indices, along), staticShape(slices));
  return g.op("ScatterElements", [g.filled(shape, 0, slices.dtype), everywhere, slices], {
    axis: int(axis),
    reduction: add,
  });
}
