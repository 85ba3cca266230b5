import { attribute, type Builder, int, ints, type Node, staticShape, tensorOf, type Value } from "../../graph/index.ts";
import { inversePermutation, NEWEST_OPSET, product, range, unary, unsupported, type VjpRule } from "../rule.ts";

/** How windows lie over the spatial axes: one number per axis. */
interface Windows {
  readonly sizes: readonly number[];
  readonly kernel: readonly number[];
  readonly counts: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/**
 * z = x ⋆ w + b, channels in groups  ⇒  dx: the transposed convolution of dz with w; dw: x correlated with dz, batch
 * and channels exchanged, strides and dilations exchanged; db = Σ dz
 */
export const Conv: VjpRule = {
  opset: [11, NEWEST_OPSET],
  vjp(g, { node, inputs: [x, w, b], outputs: [z], cotangents: [dz], wanted }) {
    const windows = windowsOf(node, staticShape(x!), staticShape(z!), staticShape(w!).slice(2));
    const group = attribute(node, "group", "int", 1);
    const patches = group === 1 && arePatches(windows);
    const spatial = range(windows.sizes.length).map((axis) => axis + 2);
    return [
      wanted[0] ? (patches ? patchesDx(g, windows, w!, dz!) : convDx(g, windows, group, w!, dz!)) : undefined,
      wanted[1] ? (patches ? patchesDw(g, windows, x!, w!, dz!) : convDw(g, windows, group, x!, w!, dz!)) : undefined,
      b && wanted[2] ? g.reduceSum(dz!, [0, ...spatial], false) : undefined,
    ];
  },
};

/** y = mean over each window  ⇒  dx = dy / count, spread over the window and summed where windows overlap */
export const AveragePool = unary({
  opset: [11, NEWEST_OPSET],
  vjp: (g, { x, y, dy, node }) => {
    if (attribute(node, "ceil_mode", "int", 0) === 1) throw unsupported(node, "with ceil_mode 1");
    const shape = staticShape(x);
    const windows = windowsOf(node, shape, staticShape(y), attribute(node, "kernel_shape", "ints"));
    const { counts, kernel, sizes } = windows;
    const shares = windowShares(windows, attribute(node, "count_include_pad", "int", 0) === 1);
    const scaled = g.mul(dy, g.constant(tensorOf(numeric(x), counts, shares)));
    // Each channel by itself, as a batch of one-channel images.
    const planes = g.reshape(scaled, [shape[0]! * shape[1]!, 1, ...counts]);
    const spread = convDx(g, windows, 1, g.filled([1, 1, ...kernel], 1, x.dtype), planes);
    return g.reshape(spread, [shape[0]!, shape[1]!, ...sizes]);
  },
});

/** y = mean over the spatial axes  ⇒  dx = dy / count, repeated */
export const GlobalAveragePool = unary({
  opset: [1, NEWEST_OPSET],
  vjp: (g, { x, dy }) => {
    const count = product(staticShape(x).slice(2));
    return g.expand(g.mul(dy, g.scalar(1 / count, x.dtype)), staticShape(x));
  },
});

function windowsOf(node: Node, x: readonly number[], z: readonly number[], kernel: readonly number[]): Windows {
  const rank = x.length - 2;
  const [sizes, counts] = [x.slice(2), z.slice(2)];
  const strides = attribute(node, "strides", "ints", range(rank).fill(1));
  const dilations = attribute(node, "dilations", "ints", range(rank).fill(1));
  const auto = attribute(node, "auto_pad", "string", "NOTSET");
  const given = auto === "NOTSET" ? attribute(node, "pads", "ints", range(2 * rank).fill(0)) : range(2 * rank).fill(0);
  // SAME pads as much as the last window needs, the odd one behind (UPPER) or in front (LOWER).
  const missing = sizes.map((size, k) =>
    Math.max(0, (counts[k]! - 1) * strides[k]! + (kernel[k]! - 1) * dilations[k]! + 1 - size),
  );
  const half = auto === "SAME_UPPER" ? Math.floor : Math.ceil;
  const same = auto.startsWith("SAME");
  const before = given.slice(0, rank).map((pad, k) => (same ? half(missing[k]! / 2) : pad));
  const after = given.slice(rank).map((pad, k) => (same ? missing[k]! - before[k]! : pad));
  return { sizes, kernel, counts, strides, dilations, before, after };
}

/** dz spread back over the windows it came from. */
function convDx(g: Builder, windows: Windows, group: number, w: Value, dz: Value): Value {
  const { sizes, kernel, counts, strides, dilations, before, after } = windows;
  // What the transposed convolution would leave out behind the last window, pixels no window reached.
  const rest = sizes.map(
    (size, k) =>
      size - (strides[k]! * (counts[k]! - 1) + (kernel[k]! - 1) * dilations[k]! + 1 - before[k]! - after[k]!),
  );
  const attributes = {
    strides: ints(strides),
    dilations: ints(dilations),
    pads: ints([...before, ...after]),
    output_padding: ints(rest),
    group: int(group),
  };
  return g.op("ConvTranspose", [dz, w], attributes);
}

/** Every weight sees its own pixel in each window: a correlation of x with dz in which windows and kernel change roles. */
function convDw(g: Builder, windows: Windows, group: number, x: Value, w: Value, dz: Value): Value {
  const { sizes, kernel, counts, strides, dilations, before, after } = windows;
  const [batch, channels] = staticShape(x) as [number, number];
  const [filters, share] = staticShape(w) as [number, number];
  const spatial = range(sizes.length).map((axis) => axis + 2);
  // [batch, group, share, …] → [share, group · batch, …]: the batch becomes the channels, a group stays a group.
  const grouped = g.transpose(g.reshape(x, [batch, group, channels / group, ...sizes]), [
    2,
    1,
    0,
    ...spatial.map((axis) => axis + 1),
  ]);
  const images = g.reshape(grouped, [share, group * batch, ...sizes]);
  const kernels = g.transpose(dz, [1, 0, ...spatial]); // [filters, batch, counts…]
  const sum = g.op("Conv", [images, kernels], {
    kernel_shape: ints(counts),
    strides: ints(dilations),
    dilations: ints(strides),
    pads: ints([...before, ...after]),
    group: int(group),
  });
  // Pixels behind the last window make the result longer than the kernel.
  const cut = spatial.reduce((part, axis, k) => {
    const size = staticShape(part)[axis]!;
    return size === kernel[k] ? part : g.slice(part, axis, 0, kernel[k]!);
  }, sum);
  return g.reshape(g.transpose(cut, [1, 0, ...spatial]), [filters, share, ...kernel]);
}

/** A patch embedding: windows side by side, each pixel in at most one. */
function arePatches({ kernel, strides, dilations, before, after, counts, sizes }: Windows): boolean {
  return kernel.every(
    (size, k) =>
      size === strides[k] &&
      (dilations[k] === 1 || size === 1) &&
      before[k] === 0 &&
      after[k] === 0 &&
      counts[k]! * size === sizes[k],
  );
}

/** [batch, channels, n·p, m·q, …] ↔ [batch, n, m, …, channels, p, q, …] */
function patchAxes({ sizes }: Windows): readonly number[] {
  const spatial = range(sizes.length);
  return [0, ...spatial.map((k) => 2 + 2 * k), 1, ...spatial.map((k) => 3 + 2 * k)];
}

function patchesDw(g: Builder, windows: Windows, x: Value, w: Value, dz: Value): Value {
  const { counts, kernel } = windows;
  const [batch, channels] = staticShape(x) as [number, number];
  const filters = staticShape(w)[0]!;
  const cut = g.reshape(x, [batch, channels, ...counts.flatMap((count, k) => [count, kernel[k]!])]);
  const rows = batch * product(counts);
  const patches = g.reshape(g.transpose(cut, patchAxes(windows)), [rows, channels * product(kernel)]);
  const spatial = range(counts.length).map((axis) => axis + 2);
  const byFilter = g.reshape(g.transpose(dz, [1, 0, ...spatial]), [filters, rows]);
  return g.reshape(g.matmul(byFilter, patches), staticShape(w));
}

function patchesDx(g: Builder, windows: Windows, w: Value, dz: Value): Value {
  const { counts, kernel, sizes } = windows;
  const [batch, filters] = staticShape(dz) as [number, number];
  const channels = staticShape(w)[1]!;
  const spatial = range(counts.length).map((axis) => axis + 2);
  const byRow = g.reshape(g.transpose(dz, [0, ...spatial, 1]), [batch * product(counts), filters]);
  const patches = g.matmul(byRow, g.reshape(w, [filters, channels * product(kernel)]));
  const cut = g.reshape(patches, [batch, ...counts, channels, ...kernel]);
  return g.reshape(g.transpose(cut, inversePermutation(patchAxes(windows))), [batch, channels, ...sizes]);
}

/** 1 / the number of pixels each window averages, row-major over the windows. */
function windowShares(windows: Windows, countPadding: boolean): number[] {
  const { sizes, kernel, counts, strides, dilations, before } = windows;
  const inside = counts.map((count, k) =>
    range(count).map((window) => {
      const start = window * strides[k]! - before[k]!;
      const pixels = range(kernel[k]!).map((n) => start + n * dilations[k]!);
      return countPadding ? pixels.length : pixels.filter((pixel) => pixel >= 0 && pixel < sizes[k]!).length;
    }),
  );
  return inside
    .reduce((all, along) => all.flatMap((many) => along.map((few) => many * few)), [1])
    .map((count) => 1 / count);
}

const numeric = ({ dtype }: Value) => dtype as "float32" | "float64";
