import type { ImageSize } from "./resize.ts";

export type Filter = "nearest" | "box" | "bilinear" | "hamming" | "bicubic" | "lanczos";

/** The part of a resized picture that is wanted, in its pixels; what lies outside the picture is black. */
export interface Window extends ImageSize {
  readonly top: number;
  readonly left: number;
}

/** Weight at a distance from the centre, in output pixels (source pixels where the picture grows), and how far it reaches. */
interface Kernel {
  readonly support: number;
  weight(x: number): number;
}

const sinc = (x: number) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));

const kernels: Readonly<Record<Exclude<Filter, "nearest">, Kernel>> = {
  box: { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  hamming: { support: 1, weight: (x) => (Math.abs(x) >= 1 ? 0 : sinc(x) * (0.54 + 0.46 * Math.cos(Math.PI * x))) },
  bicubic: { support: 2, weight: (x) => cubic(Math.abs(x)) },
  lanczos: { support: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

/** Keys 1981, equation 15 with a = −1/2. */
function cubic(x: number): number {
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
}

/** Weights are whole numbers of this share of one, so that sums are exact and equal wherever they are taken. */
const ONE = 1 << 22;

/**
 * Resize a picture as Pillow's `Image.resize` does, to the bit: across, then down, each pass rounded to bytes with weights of
 * 22 fractional bits, the filter widened by the scale where the picture shrinks. Only what the window shows is computed.
 * @param pixels  bytes [3, from.height, from.width]; not modified
 * @param to      size of the whole resized picture
 * @param window  default all of it
 * @returns       bytes [3, window.height, window.width]
 */
export function resample(
  pixels: ArrayLike<number>,
  from: ImageSize,
  to: ImageSize,
  filter: Filter,
  window: Window = { ...to, top: 0, left: 0 },
): Uint8Array {
  const out = new Uint8Array(3 * window.height * window.width);
  const down = tapsOf(from.height, to.height, filter, window.top, window.height);
  const across = tapsOf(from.width, to.width, filter, window.left, window.width);
  if (down.count === 0 || across.count === 0) return out;
  const firstRow = Math.min(...down.starts);
  const rowCount = Math.max(...down.starts.map((start, k) => start + down.lengths[k]!)) - firstRow;
  const rows = new Uint8Array(rowCount * across.count);
  for (let c = 0; c < 3; c++) {
    for (let y = 0; y < rowCount; y++)
      passAcross(pixels, (c * from.height + firstRow + y) * from.width, across, rows, y * across.count);
    for (let y = 0; y < down.count; y++)
      passDown(
        rows,
        firstRow,
        down,
        y,
        out,
        (c * window.height + down.first + y) * window.width + across.first,
        across,
      );
  }
  return out;
}

/** For each output pixel that there is, the source pixels it is made from. */
interface Taps {
  /** Place of the first one in the window, and their number. */
  readonly first: number;
  readonly count: number;
  readonly starts: Int32Array;
  readonly lengths: Int32Array;
  /** `width` for each, those beyond its length 0. */
  readonly weights: Int32Array;
  readonly width: number;
}

function tapsOf(from: number, to: number, filter: Filter, offset: number, length: number): Taps {
  const begin = Math.max(0, offset);
  const count = Math.max(0, Math.min(to, offset + length) - begin);
  const first = begin - offset;
  const scale = from / to;
  if (filter === "nearest" || scale === 1) {
    const starts =
      scale === 1 ? Int32Array.from({ length: count }, (_, k) => begin + k) : nearest(scale, begin, count, from);
    const ones = new Int32Array(count);
    return { first, count, starts, lengths: ones.fill(1), weights: new Int32Array(count).fill(ONE), width: 1 };
  }
  const { support, weight } = kernels[filter];
  const stretch = Math.max(1, scale);
  const reach = support * stretch;
  const width = Math.min(from, 2 * Math.ceil(reach) + 1);
  const [starts, lengths] = [new Int32Array(count), new Int32Array(count)];
  const weights = new Int32Array(count * width);
  const exact = new Float64Array(width);
  const inverse = 1 / stretch;
  for (let k = 0; k < count; k++) {
    const center = (begin + k + 0.5) * scale;
    const start = Math.max(0, Math.trunc(center - reach + 0.5));
    const taps = Math.min(from, Math.trunc(center + reach + 0.5)) - start;
    let sum = 0;
    for (let i = 0; i < taps; i++) sum += exact[i] = weight((start + i - center + 0.5) * inverse);
    for (let i = 0; i < taps; i++) weights[k * width + i] = roundHalfAway((exact[i]! / (sum || 1)) * ONE);
    starts[k] = start;
    lengths[k] = taps;
  }
  return { first, count, starts, lengths, weights, width };
}

const roundHalfAway = (x: number) => Math.trunc(x + (x < 0 ? -0.5 : 0.5));

/** Positions by repeated addition, whose rounding decides between two pixels now and then. */
function nearest(scale: number, begin: number, count: number, from: number): Int32Array {
  const starts = new Int32Array(count);
  let position = scale / 2;
  for (let k = 0; k < begin; k++) position += scale;
  for (let k = 0; k < count; k++, position += scale) starts[k] = Math.min(from - 1, Math.trunc(position));
  return starts;
}

const clamp = (sum: number) => (sum < 0 ? 0 : sum >= 256 * ONE ? 255 : Math.floor(sum / ONE));

function passAcross(source: ArrayLike<number>, row: number, taps: Taps, out: Uint8Array, at: number): void {
  const { starts, lengths, weights, width, count } = taps;
  for (let x = 0; x < count; x++) {
    const from = row + starts[x]!;
    const taken = lengths[x]!;
    const first = x * width;
    let sum = ONE / 2;
    for (let k = 0; k < taken; k++) sum += source[from + k]! * weights[first + k]!;
    out[at + x] = clamp(sum);
  }
}

function passDown(
  rows: Uint8Array,
  firstRow: number,
  down: Taps,
  y: number,
  out: Uint8Array,
  at: number,
  { count }: Taps,
): void {
  const taken = down.lengths[y]!;
  const first = y * down.width;
  const from = (down.starts[y]! - firstRow) * count;
  for (let x = 0; x < count; x++) {
    let sum = ONE / 2;
    for (let k = 0; k < taken; k++) sum += rows[from + k * count + x]! * down.weights[first + k]!;
    out[at + x] = clamp(sum);
  }
}
