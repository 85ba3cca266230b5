import { attribute, type Builder, staticShape, type Value } from "../../graph/index.ts";
import {
  inversePermutation,
  NEWEST_OPSET,
  padAxis,
  placeAlong,
  range,
  refuseFrom,
  sumTo,
  unary,
  unsupported,
  type VjpRule,
  wrapAxis,
} from "../rule.ts";

/** Any operator that only renames axes: the cotangent goes back in the operand's shape. */
const reshaping = (since: number) =>
  unary({ opset: [since, NEWEST_OPSET], vjp: (g, { x, dy }) => g.reshape(dy, staticShape(x)) });

/** y = x in another shape  ⇒  dx = dy in x's shape */
export const Reshape = reshaping(5);
/** y = x in another shape  ⇒  dx = dy in x's shape */
export const Flatten = reshaping(1);
/** y = x in another shape  ⇒  dx = dy in x's shape */
export const Squeeze = reshaping(13);
/** y = x in another shape  ⇒  dx = dy in x's shape */
export const Unsqueeze = reshaping(13);

/** y = x  ⇒  dx = dy */
export const Identity = unary({ opset: [1, NEWEST_OPSET], vjp: (_, { dy }) => dy });

/** y = x when not training, which is what a frozen model means  ⇒  dx = dy */
export const Dropout: VjpRule = {
  opset: [12, NEWEST_OPSET],
  vjp(g, { node, inputs: [, , training], cotangents: [dy], wanted }) {
    refuseFrom(1, node, wanted);
    const mode = training && g.constantOf(training);
    if (training && mode?.bytes[0] !== 0) throw unsupported(node, "in training mode");
    return [dy];
  },
};

/** y = x with axes permuted  ⇒  dx = dy permuted back */
export const Transpose = unary({
  opset: [1, NEWEST_OPSET],
  vjp: (g, { x, dy, node }) => {
    const reversed = range(staticShape(x).length).reverse();
    return g.transpose(dy, inversePermutation(attribute(node, "perm", "ints", reversed)));
  },
});

/** y = [x₁ … xₖ] along an axis  ⇒  dxᵢ = its part of dy */
export const Concat: VjpRule = {
  opset: [4, NEWEST_OPSET],
  vjp(g, { node, inputs, outputs: [y], cotangents: [dy], wanted }) {
    const axis = wrapAxis(attribute(node, "axis", "int"), staticShape(y!).length);
    const sizes = inputs.map((x) => staticShape(x!)[axis]!);
    if (wanted.every((yes) => yes)) return g.split(dy!, axis, sizes);
    // Cutting out the parts asked for moves less than splitting everything.
    let end = 0;
    return sizes.map((size, k) => {
      end += size;
      return wanted[k] ? g.slice(dy!, axis, end - size, end) : undefined;
    });
  },
};

/** [y₁ … yₖ] = x along an axis  ⇒  dx = [dy₁ … dyₖ], zeros where nothing flows back */
export const Split: VjpRule = {
  opset: [13, NEWEST_OPSET],
  vjp(g, { node, inputs: [x], outputs, cotangents }) {
    const axis = wrapAxis(attribute(node, "axis", "int", 0), staticShape(x!).length);
    const sizes = outputs.map((y) => (y.name === "" ? Number.NaN : staticShape(y)[axis]!));
    const flowing = cotangents.flatMap((dy, k) => (dy ? [k] : []));
    const [first, last] = [flowing[0]!, flowing.at(-1)!];
    // Zeros inside the flowing range are filled in, those around it are padding.
    const parts = range(last - first + 1).map((k) => {
      const part = first + k;
      return cotangents[part] ?? zeros(g, x!, axis, sizes[part]!);
    });
    const before = sizes.slice(0, first).reduce((a, b) => a + b, 0);
    const middle = sizes.slice(first, last + 1).reduce((a, b) => a + b, 0);
    return [padAxis(g, g.concat(parts, axis), axis, before, staticShape(x!)[axis]! - before - middle)];
  },
};

/** y = x[start:end:step] along axes  ⇒  dx = dy put back among zeros */
export const Slice: VjpRule = {
  opset: [10, NEWEST_OPSET],
  vjp(g, { inputs: [x, starts, , axes, steps], cotangents: [dy] }) {
    const shape = staticShape(x!);
    const from = g.numbersOf(starts!);
    const along = axes ? g.numbersOf(axes).map((axis) => wrapAxis(axis, shape.length)) : range(from.length);
    const strides = steps ? g.numbersOf(steps) : from.map(() => 1);
    const dx = along.reduce((part, axis, k) => {
      const [dim, step] = [shape[axis]!, strides[k]!];
      const first = from[k]! < 0 ? from[k]! + dim : from[k]!;
      const start = Math.min(Math.max(first, 0), step > 0 ? dim : dim - 1);
      const count = staticShape(part)[axis]!;
      if (step === 1) return padAxis(g, part, axis, start, dim - start - count);
      return placeAlong(
        g,
        part,
        axis,
        dim,
        range(count).map((n) => start + n * step),
      );
    }, dy!);
    return [dx];
  },
};

/** y = x with constants around it (fewer elements where pads are negative)  ⇒  dx = dy without them */
export const Pad: VjpRule = {
  opset: [11, NEWEST_OPSET],
  vjp(g, { node, inputs: [x, pads, , axes], cotangents: [dy], wanted }) {
    refuseFrom(1, node, wanted);
    const mode = attribute(node, "mode", "string", "constant");
    if (mode !== "constant") throw unsupported(node, `in mode "${mode}"`);
    const shape = staticShape(x!);
    const amounts = g.numbersOf(pads!);
    const along = axes ? g.numbersOf(axes).map((axis) => wrapAxis(axis, shape.length)) : range(shape.length);
    const dx = along.reduce((part, axis, k) => {
      const [before, after] = [amounts[k]!, amounts[k + along.length]!];
      const grown = padAxis(g, part, axis, Math.max(0, -before), Math.max(0, -after));
      const start = Math.max(0, before);
      return start === 0 && after <= 0 ? grown : g.slice(grown, axis, start, start + shape[axis]!);
    }, dy!);
    return [dx];
  },
};

/** y = x repeated to a larger shape  ⇒  dx = dy summed over the repetitions */
export const Expand = unary({ opset: [8, NEWEST_OPSET], vjp: (g, { x, dy }) => sumTo(g, dy, staticShape(x)) });

/** y = x laid side by side along each axis  ⇒  dx = dy summed over the copies */
export const Tile = unary({
  opset: [6, NEWEST_OPSET],
  vjp: (g, { x, dy, rest: [repeats] }) => {
    const shape = staticShape(x);
    const times = g.numbersOf(repeats!);
    const copies = g.reshape(
      dy,
      shape.flatMap((dim, axis) => [times[axis]!, dim]),
    );
    const axes = range(shape.length).flatMap((axis) => (times[axis] === 1 ? [] : [2 * axis]));
    return g.reshape(g.reduceSum(copies, axes), shape);
  },
});

/** y = x with one triangle zeroed  ⇒  dx = dy with the same triangle zeroed */
export const Trilu = unary({
  opset: [14, NEWEST_OPSET],
  vjp: (g, { dy, node, rest: [k] }) => g.op("Trilu", [dy, k], node.attributes),
});

/** yᵢ = Σ_{j ≤ i} xⱼ along an axis  ⇒  dxⱼ = Σ_{i ≥ j} dyᵢ: the same operator from the other end */
export const CumSum = unary({
  opset: [11, NEWEST_OPSET],
  vjp: (g, { dy, node, rest: [axis] }) => {
    const reverse = { type: "int", value: 1 - attribute(node, "reverse", "int", 0) } as const;
    return g.op("CumSum", [dy, axis], { ...node.attributes, reverse });
  },
});

function zeros(g: Builder, like: Value, axis: number, size: number): Value {
  const shape = staticShape(like).map((dim, k) => (k === axis ? size : dim));
  return g.filled(shape, 0, like.dtype);
}
