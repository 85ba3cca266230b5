type Size = readonly [rows: number, columns: number];

/** Which elements of an axis make one of the resized axis, and how much of each. */
interface Blend {
  readonly indices: readonly number[];
  readonly shares: readonly number[];
}

/**
 * Resize a grid of vectors by cubic convolution (Keys 1981), pixel centres at halves, as PyTorch's `interpolate` does
 * (bicubic, align_corners false).
 * @param values  [rows, columns, d]; not modified, returned as it is if the size stays
 * @param smooth  widen the filter to the step when shrinking (`antialias`); Keys' constant is then −0.5, else −0.75
 */
export function resizeGrid(values: Float32Array, from: Size, to: Size, d: number, smooth: boolean): Float32Array {
  if (from[0] === to[0] && from[1] === to[1]) return values;
  const blend = smooth ? smoothBlend : plainBlend;
  const columns = blends(blend, from[1], to[1]);
  const rows = blends(blend, from[0], to[0]);
  const wide = new Float64Array(from[0] * to[1] * d);
  for (let row = 0; row < from[0]; row++)
    columns.forEach(({ indices, shares }, column) => {
      for (const [k, index] of indices.entries())
        for (let j = 0; j < d; j++)
          wide[(row * to[1] + column) * d + j]! += shares[k]! * values[(row * from[1] + index) * d + j]!;
    });
  const resized = new Float64Array(to[0] * to[1] * d);
  const width = to[1] * d;
  rows.forEach(({ indices, shares }, row) => {
    for (const [k, index] of indices.entries())
      for (let j = 0; j < width; j++) resized[row * width + j]! += shares[k]! * wide[index * width + j]!;
  });
  return Float32Array.from(resized);
}

const blends = (
  blend: (at: number, from: number, scale: number) => Blend,
  from: number,
  to: number,
): readonly Blend[] => Array.from({ length: to }, (_, at) => blend(at, from, from / to));

/** The four nearest elements; beyond the border, the border's. */
function plainBlend(at: number, from: number, scale: number): Blend {
  const centre = (at + 0.5) * scale - 0.5;
  const first = Math.floor(centre) - 1;
  const near = [0, 1, 2, 3].map((k) => first + k);
  return {
    indices: near.map((index) => Math.min(Math.max(index, 0), from - 1)),
    shares: near.map((index) => cubic(index - centre, -0.75)),
  };
}

/** All elements within two steps, none beyond the border; shares sum to 1. */
function smoothBlend(at: number, from: number, scale: number): Blend {
  const step = Math.max(scale, 1);
  const centre = (at + 0.5) * scale;
  const first = Math.max(Math.trunc(centre - 2 * step + 0.5), 0);
  const end = Math.min(Math.trunc(centre + 2 * step + 0.5), from);
  const indices = Array.from({ length: end - first }, (_, k) => first + k);
  const raw = indices.map((index) => cubic((index - centre + 0.5) / step, -0.5));
  const total = raw.reduce((sum, share) => sum + share, 0);
  return { indices, shares: raw.map((share) => share / total) };
}

/** Keys' kernel with constant `a`, zero beyond 2. */
function cubic(distance: number, a: number): number {
  const x = Math.abs(distance);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}
