import { attribute, type Builder, staticShape, type Value } from "../../graph/index.ts";
import { inversePermutation, NEWEST_OPSET, range, sumTo, unary, unsupported, type VjpRule, wrapAxis } from "../rule.ts";

/** Any operator that only renames axes: the cotangent goes back in the operand's shape. */
const reshaping = (since: number) =>
  unary({ opset: [since, NEWEST_OPSET], vjp: (g, { x, dy }) => g.reshape(dy, staticShape(x)) });

export const Reshape = reshaping(5);
export const Flatten = reshaping(1);
export const Squeeze = reshaping(13);
export const Unsqueeze = reshaping(13);

/** y = x  ⇒  dx = dy */
export const Identity = unary({ opset: [1, NEWEST_OPSET], vjp: (_, { dy }) => dy });

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
  vjp(g, { node, inputs, outputs: [y], cotangents: [dy] }) {
    const axis = wrapAxis(attribute(node, "axis", "int"), staticShape(y!).length);
    return g.split(
      dy!,
      axis,
      inputs.map((x) => staticShape(x!)[axis]!),
    );
  },
};

/** [y₁ … yₖ] = x along an axis  ⇒  dx = [dy₁ … dyₖ], zeros where nothing flows back */
export const Split: VjpRule = {
  opset: [13, NEWEST_OPSET],
  vjp(g, { node, inputs: [x], outputs, cotangents }) {
    const axis = wrapAxis(attribute(node, "axis", "int", 0), staticShape(x!).length);
    const parts = outputs.map((y, k) => cotangents[k] ?? g.filled(staticShape(y), 0, y.dtype));
    return [g.concat(parts, axis)];
  },
};

/** y = x[start:end] along axes, step ±1 or more  ⇒  dx = dy put back among zeros */
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
      if (step !== 1) return scatterAxis(g, part, { axis, dim, start, step });
      return padAxis(g, part, axis, start, dim - start - staticShape(part)[axis]!);
    }, dy!);
    return [dx];
  },
};

/** Zeros before and after along one axis. */
function padAxis(g: Builder, x: Value, axis: number, before: number, after: number): Value {
  if (before === 0 && after === 0) return x;
  return g.op("Pad", [x, g.integers([before, after]), undefined, g.integers([axis])]);
}

/** Put the slices of `x` along `axis` at start, start + step, … of an axis of size `dim`. */
function scatterAxis(g: Builder, x: Value, to: { axis: number; dim: number; start: number; step: number }): Value {
  const { axis, dim, start, step } = to;
  const shape = staticShape(x);
  const slots = new Float64Array(dim).fill(shape[axis]!); // index of the appended zero slice
  for (let k = 0; k < shape[axis]!; k++) slots[start + k * step] = k;
  const zero = g.filled(
    shape.map((size, k) => (k === axis ? 1 : size)),
    0,
    x.dtype,
  );
  return g.gather(g.concat([x, zero], axis), g.integers([...slots]), axis);
}

/** y = x repeated to a larger shape  ⇒  dx = dy summed over the repetitions */
export const Expand = unary({ opset: [8, NEWEST_OPSET], vjp: (g, { x, dy }) => sumTo(g, dy, staticShape(x)) });

/** y = x with constants around it  ⇒  dx = the middle of dy (negative pads, which cut, are padded back with zeros) */
export const Pad: VjpRule = {
  opset: [11, NEWEST_OPSET],
  vjp(g, { node, inputs: [x, pads, , axes], cotangents: [dy] }) {
    const mode = attribute(node, "mode", "string", "constant");
    if (mode !== "constant") throw unsupported(node, `mode "${mode}"`);
    const shape = staticShape(x!);
    const sizes = g.numbersOf(pads!);
    const along = axes ? g.numbersOf(axes).map((axis) => wrapAxis(axis, shape.length)) : range(shape.length);
    const dx = along.reduce((part, axis, k) => {
      const [before, after] = [sizes[k]!, sizes[k + along.length]!];
      if (before === 0 && after === 0) return part;
      const cut = [before, after].map((size) => Math.max(0, size)) as [number, number];
      const middle = g.slice(part, axis, cut[0], staticShape(part)[axis]! - cut[1]);
      return padAxis(g, middle, axis, Math.max(0, -before), Math.max(0, -after));
    }, dy!);
    return [dx];
  },
};
