import { kernel } from "./tridiagonal-kernel.ts";

export interface Tridiagonal {
  readonly diagonal: Float64Array;
  /** offDiagonal[k] couples k and k + 1; the last entry is 0. */
  readonly offDiagonal: Float64Array;
}

/** What tridiagonal.wat exports. */
interface Kernel {
  readonly memory: WebAssembly.Memory;
  update(a: number, d: number, first: number, u: number, w: number, x: number, p: number): void;
}

const BYTES = Float64Array.BYTES_PER_ELEMENT;
const PAGE = 65536;

let opened: Kernel | undefined;

/** The kernel, with room for so many numbers. WebAssembly SIMD is in every browser and Node that ONNX Runtime runs in. */
function kernelFor(numbers: number): Kernel {
  opened ??= new WebAssembly.Instance(new WebAssembly.Module(kernel())).exports as unknown as Kernel;
  const missing = Math.ceil((numbers * BYTES) / PAGE) - opened.memory.buffer.byteLength / PAGE;
  if (missing > 0) opened.memory.grow(missing);
  return opened;
}

/**
 * Reduce the symmetric matrix `factor · a` to tridiagonal form. Step k reflects row k's tail onto its first entry,
 * A ← H A H with H = I − β u uᵀ, which is the rank-two update A − u wᵀ − w uᵀ. The update of one step waits and is applied
 * while the next step multiplies by A, so that each step walks the triangle once.
 * @param a row-major [d, d]; its upper triangle is read; not modified
 */
export function tridiagonalise(a: Float64Array, d: number, factor: number): Tridiagonal {
  const { memory, update } = kernelFor(d * d + 4 * d);
  const matrix = new Float64Array(memory.buffer, 0, d * d);
  for (let k = 0; k < d * d; k++) matrix[k] = factor * a[k]!;
  const vectors = Array.from({ length: 4 }, (_, k) => new Float64Array(memory.buffer, BYTES * d * (d + k), d));
  let [u, w, nextU, nextW] = vectors as [Float64Array, Float64Array, Float64Array, Float64Array];
  u.fill(0);
  w.fill(0);
  const diagonal = new Float64Array(d);
  const offDiagonal = new Float64Array(d);
  for (let k = 0; k < d; k++) {
    for (let j = k; j < d; j++) matrix[k * d + j]! -= u[k]! * w[j]! + w[k]! * u[j]!;
    diagonal[k] = matrix[k * d + k]!;
    const { beta, image } = reflector(matrix, k * d + k + 1, k + 1, nextU);
    offDiagonal[k] = image;
    update(0, d, k + 1, u.byteOffset, w.byteOffset, nextU.byteOffset, nextW.byteOffset);
    let product = 0;
    for (let j = k + 1; j < d; j++) product += nextW[j]! * nextU[j]!;
    const share = (beta * beta * product) / 2;
    for (let j = k + 1; j < d; j++) nextW[j] = beta * nextW[j]! - share * nextU[j]!;
    [u, w, nextU, nextW] = [nextU, nextW, u, w];
  }
  return { diagonal, offDiagonal };
}

/** Householder vector of the d − first entries of `a` from `offset`, put into u[first..]; x is mapped to (image, 0, …). */
function reflector(a: Float64Array, offset: number, first: number, u: Float64Array): { beta: number; image: number } {
  let tail = 0; // squares of all but the first entry
  for (let j = first; j < u.length; j++) {
    u[j] = a[offset + j - first]!;
    if (j > first) tail += u[j]! * u[j]!;
  }
  const head = first < u.length ? u[first]! : 0;
  if (tail === 0) return { beta: 0, image: head };
  const norm = Math.sqrt(head * head + tail);
  const image = head > 0 ? -norm : norm; // the sign that cancels nothing
  u[first] = head - image;
  return { beta: 2 / (u[first]! * u[first]! + tail), image };
}
