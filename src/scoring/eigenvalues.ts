import { GraftError } from "../base/index.ts";
import { kernel } from "./eigenvalues-kernel.ts";

/** What eigenvalues.wat exports. */
interface Kernel {
  readonly memory: WebAssembly.Memory;
  /** Of the matrix at 0; returns a fault of `FAULTS`, or 0. */
  eigenvalues(d: number): number;
}

/** Room behind the matrix: the eigenvalues, and five vectors to work in. */
const VECTORS = 6;
const BYTES = Float64Array.BYTES_PER_ELEMENT;
const PAGE = 65536;

let opened: Kernel | undefined;

/** The kernel, with room for a matrix. WebAssembly SIMD is in every browser and Node that ONNX Runtime runs in. */
function kernelFor(d: number): Kernel {
  opened ??= new WebAssembly.Instance(new WebAssembly.Module(kernel())).exports as unknown as Kernel;
  const missing = Math.ceil((d * (d + VECTORS) * BYTES) / PAGE) - opened.memory.buffer.byteLength / PAGE;
  if (missing > 0) opened.memory.grow(missing);
  return opened;
}

/**
 * Eigenvalues of a symmetric matrix: Householder tridiagonalisation, then QL with implicit shifts, values only.
 * Absolute error about d · 2⁻⁵² of the largest: eigenvalues far below that are noise around zero.
 * @param a row-major [d, d]; its upper triangle is read; not modified
 * @returns d eigenvalues, descending
 * @throws  GraftError NOT_FINITE if the triangle holds NaN or an infinity; NO_CONVERGENCE
 * @see     Golub and Van Loan, Matrix Computations, sections 8.3.1 and 8.3.5
 */
export function eigenvaluesSymmetric(a: Float64Array, d: number): Float64Array {
  if (d === 0) return new Float64Array(0);
  const { memory, eigenvalues } = kernelFor(d);
  new Float64Array(memory.buffer, 0, d * d).set(a.subarray(0, d * d));
  checkFault(eigenvalues(d), a, d);
  return descending(new Float64Array(memory.buffer, BYTES * d * d, d).slice());
}

/**
 * The same as a function's source for a thread that has nothing of this module: `{ bytes, grams, d }`, the kernel's bytes and
 * matrices, → their eigenvalues in no order, [count · d], the kernel's faults, and the matrices back.
 */
export const EIGENVALUES_WORKER = `(() => {
  let kernel;
  return ({ bytes, grams, d }) => {
    kernel ??= new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
    const missing = Math.ceil((d * (d + ${VECTORS}) * ${BYTES}) / ${PAGE}) - kernel.memory.buffer.byteLength / ${PAGE};
    if (missing > 0) kernel.memory.grow(missing);
    const count = grams.length / (d * d);
    const values = new Float64Array(count * d);
    const faults = [];
    for (let k = 0; k < count; k++) {
      new Float64Array(kernel.memory.buffer, 0, d * d).set(grams.subarray(k * d * d, (k + 1) * d * d));
      faults.push(kernel.eigenvalues(d));
      values.set(new Float64Array(kernel.memory.buffer, ${BYTES} * d * d, d), k * d);
    }
    return [{ values, faults, grams }, [values.buffer, grams.buffer]];
  };
})()`;

export interface WorkerEigenvalues {
  readonly values: Float64Array;
  readonly faults: readonly number[];
  readonly grams: Float64Array;
}

export const descending = (values: Float64Array): Float64Array => values.sort().reverse();

/** Throw what the kernel found wrong with a matrix. */
export function checkFault(fault: number, a: Float64Array, d: number): void {
  if (fault === 0) return;
  if (fault !== 1)
    throw new GraftError("NO_CONVERGENCE", {
      thing: `eigenvalues of a ${d}×${d} matrix`,
      place: "its tridiagonal form is still coupled after 100 sweeps",
      remedy: "This should not happen: please report it with the matrix",
    });
  // The first place in the upper triangle.
  const at = a.findIndex((value, k) => !Number.isFinite(value) && k % d >= Math.floor(k / d));
  throw new GraftError("NOT_FINITE", {
    thing: `a ${d}×${d} matrix to find singular values of`,
    place: `row ${Math.floor(at / d)}, column ${at % d} of its symmetric form is NaN or infinite`,
    remedy: "Look for the first non-finite value upstream: an input, a weight or a division by zero",
  });
}
